/** Bytes of the 12-lead records under `flac -8 --no-padding --no-seektable` (1.4.2): whole records, at most eight channels a file. */
export const FLAC_8_BYTES: Readonly<Record<string, number>> = {
  "challenge-2021/E07500": 42_769,
  "challenge-2021/E07505": 39_421,
  "challenge-2021/E07510": 38_398,
  "challenge-2021/HR06000": 33_905,
  "challenge-2021/HR06001": 37_104,
  "challenge-2021/HR06002": 33_901,
  "challenge-2021/HR06003": 38_074,
  "challenge-2021/JS20000": 42_917,
  "challenge-2021/JS20003": 47_792,
  "challenge-2021/JS20017": 42_785,
  "ptbdb/s0010_re": 426_488,
  "twadb/twa01": 379_028,
  "wfdb-scp/test": 27_357,
};
