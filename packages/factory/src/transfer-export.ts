/**
 * Handing over: deployed terminals with their key blocks, sealed to the server of the intake.
 *
 * Source: docs/format.md §12.6; docs/operating/factory.md.
 */
import { keyIdOf, sealTransfer, signMessage, type RandomSource } from "@pericard/crypto";
import type { JoinedIntake, KeyStore } from "@pericard/custody";
import { KeyId, TERMINALS_PER_TRANSFER_MAX, type TerminalId } from "@pericard/protocol";
import { FactoryError } from "./errors.ts";

/** What a hand-over works with. */
export interface Exporter {
  readonly store: KeyStore;
  readonly random: RandomSource;
}

/** A transfer that is to be made durable before {@link markTransfer}. */
export interface Transfer {
  readonly transferNumber: number;
  readonly serials: readonly TerminalId[];
  /** The file. */
  readonly bytes: Uint8Array;
}

/** @throws {FactoryError} ERR_FACTORY_NOT_JOINED where the server itself is: its terminals are registered already. */
export function getJoinedIntake(store: KeyStore): JoinedIntake {
  const joined = store.handover.find();
  if (joined) return joined;
  throw new FactoryError("ERR_FACTORY_NOT_JOINED", "folder has joined no intake, so nothing is to be handed over");
}

/** How many transfers it takes to hand over what is in none yet. */
export function countTransfers(store: KeyStore): number {
  return Math.ceil(store.handover.waiting(-1).length / TERMINALS_PER_TRANSFER_MAX);
}

/**
 * Seals and signs the next transfer: up to 1,000 verified terminals that are in none yet. Nothing is kept of it: the
 * caller makes the file durable first, and then calls {@link markTransfer}. An interruption between the two gives the
 * same terminals again, which the server takes once.
 *
 * @throws {FactoryError} ERR_FACTORY_NOT_JOINED, ERR_TRANSFER_EMPTY.
 */
export function makeTransfer(exporter: Exporter): Transfer {
  const { handover } = exporter.store;
  const serials = handover.waiting(TERMINALS_PER_TRANSFER_MAX);
  return sealSerials(exporter, serials, handover.nextTransferNumber);
}

/**
 * Makes a transfer again whose file was lost: the same terminals under the same number, sealed anew.
 *
 * @throws {FactoryError} ERR_FACTORY_NOT_JOINED, ERR_TRANSFER_EMPTY when there was none of that number.
 */
export function remakeTransfer(exporter: Exporter, transferNumber: number): Transfer {
  return sealSerials(exporter, exporter.store.handover.transferred(transferNumber), transferNumber);
}

/** Keeps that a transfer's file is durable. */
export function markTransfer({ store }: Pick<Exporter, "store">, { serials, transferNumber }: Transfer): void {
  store.handover.mark(serials, transferNumber);
}

function sealSerials({ store, random }: Exporter, serials: readonly TerminalId[], transferNumber: number): Transfer {
  const joined = getJoinedIntake(store);
  if (serials.length === 0) {
    throw new FactoryError("ERR_TRANSFER_EMPTY", "no verified terminal is to be handed over");
  }
  const { id: intake, tenant, intakeKey, factoryKey } = joined;
  const terminals = serials.map((serial) => store.handover.open(serial));
  const payload = sealTransfer(intakeKey, { intake, transferNumber, factoryKey }, { tenant, terminals }, random);
  const signingKey = store.handover.openFactoryKey(joined);
  const bytes = signMessage(signingKey, "pericard/transfer", KeyId.toBytes(keyIdOf(factoryKey)), payload);
  return { transferNumber, serials, bytes };
}
