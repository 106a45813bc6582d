/**
 * Upper bounds that every reader checks before it allocates.
 *
 * Source: docs/format.md §2.
 */

/** Sealed segments in one envelope. */
export const SEGMENTS_PER_ENVELOPE_MAX = 64;

/** One sealed segment as journalled, in bytes. 4,000,000 samples of 32 bits, incompressible, are 16.0 MB. */
export const SEALED_SEGMENT_BYTES_MAX = 16 * 1024 * 1024;

/** One envelope, and so one HTTP body from a terminal, in bytes. */
export const ENVELOPE_BYTES_MAX = 20 * 1024 * 1024;

/** Padded plaintext of one envelope, in bytes: room for the headers and signature around it stays. */
export const ENVELOPE_CONTENT_BYTES_MAX = ENVELOPE_BYTES_MAX - 1024;

/** One data package with its headers, in bytes. */
export const PACKAGE_BYTES_MAX = 20 * 1024 * 1024;

/** One frame of a journal, spool or pack, in bytes: the largest content and room for its own fields. */
export const FRAME_CONTENT_BYTES_MAX = 20 * 1024 * 1024 + 4096;

/** Any signed statement other than an envelope, in bytes. */
export const STATEMENT_BYTES_MAX = 64 * 1024;

/** Padded plaintext of one returned page, and the signed page, in bytes: with other mail it fits one answer. */
export const RETURNED_CONTENT_BYTES_MAX = 512 * 1024;
export const RETURNED_BYTES_MAX = RETURNED_CONTENT_BYTES_MAX + 1024;

/** Segments, or streams of a list, in one returned page. */
export const RETURNED_ITEMS_MAX = 64;

/** A signed challenge of the server, as a request for a page repeats it, in bytes. */
export const FETCH_CHALLENGE_BYTES_MAX = 1024;

/** Terminals in one transfer from a factory, and the signed transfer in bytes: each terminal is about 1.1 KiB. */
export const TERMINALS_PER_TRANSFER_MAX = 1000;
export const TRANSFER_BYTES_MAX = 2 * 1024 * 1024;

/** CBOR items of a transfer's content: nine a terminal, and the arrays around them. */
export const TRANSFER_ITEMS_MAX = 9 * TERMINALS_PER_TRANSFER_MAX + 3;

/** Numbers of factories beside the installation's own, which is 0: the first two bytes of a serial number. */
export const FACTORY_NUMBER_MAX = 0xffff;

/** A protected header, in bytes. 64 items of a package at about 110 bytes each, and its fixed part. */
export const PROTECTED_HEADER_BYTES_MAX = 16 * 1024;

/**
 * CBOR items (every number, string, array and map counts one) of one decoded value. The largest structure, a package
 * header of 64 items, has 785. Without it, 20 MiB of one-byte items would become gigabytes.
 */
export const CBOR_ITEMS_MAX = 2048;

/** An answer of the mailbox, in bytes and in messages. */
export const MAIL_ANSWER_BYTES_MAX = 1024 * 1024;
export const MAIL_MESSAGES_MAX = 256;

/** The plaintext of an envelope is zero-padded to a multiple of this, in bytes, so that its length tells less. */
export const ENVELOPE_PADDING_BYTES = 256;

/** Leads of one segment, samples of one lead in one frame, frames of one segment, values of one segment over all leads. */
export const LEADS_MAX = 64;
export const SAMPLES_PER_FRAME_MAX = 64;
export const FRAMES_PER_SEGMENT_MAX = 4_000_000;
export const SAMPLES_PER_SEGMENT_MAX = 4_000_000;

/** Observations of one segment, values of one observation, their codes and devices' names in UTF-16 code units. */
export const OBSERVATIONS_PER_SEGMENT_MAX = 256;
export const COMPONENTS_PER_OBSERVATION_MAX = 8;
export const OBSERVATION_CODE_LENGTH_MAX = 64;
export const DEVICE_NAME_LENGTH_MAX = 64;

/** A segment's observations before their codec, in bytes: the largest are 281 KiB. */
export const OBSERVATIONS_BYTES_MAX = 320 * 1024;

/** CBOR items of a segment's observations: the largest have 12,033. */
export const OBSERVATION_ITEMS_MAX = 1 + OBSERVATIONS_PER_SEGMENT_MAX * (7 + 5 * COMPONENTS_PER_OBSERVATION_MAX);

/** Frames per second, at most. */
export const FRAME_RATE_HZ_MAX = 1_000_000;

/** Longest lead name, unit and gain, in UTF-16 code units. */
export const LEAD_NAME_LENGTH_MAX = 64;
export const UNITS_LENGTH_MAX = 32;
export const GAIN_LENGTH_MAX = 32;

/** Greatest number of a stream that the format can say. */
export const STREAM_MAX = 255;

/** Streams of one recording that servers keep, counted from 0. */
export const STREAMS_PER_RECORDING = 16;

/** Keys of a key block, and so the bound of a key index. Source: paper A §II.D. */
export const KEYS_PER_BLOCK = 120;

/** Largest unsigned 32-bit value: the bound of sequence, use, cycle and policy version. */
export const UINT32_MAX = 0xffff_ffff;

/**
 * Bounds and default of the maximum use count: uses after which a key gives way to the next. Default: 120 keys over ten
 * years of continuous 10 s segments. Source: paper A §II.H.
 */
export const USE_COUNT_MAX = { min: 360, max: 2 ** 24, standard: 262_980 } as const;

/** Changes of the maximum that a terminal takes while one key is in use. */
export const CHANGES_PER_KEY_MAX = 3;
