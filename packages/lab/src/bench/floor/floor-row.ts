/** What the floor writes of one package. `number` tells the repetitions of an envelope apart. */
export interface FloorRow {
  readonly recording: Uint8Array;
  readonly number: number;
  readonly sequence: number;
  readonly hash: Uint8Array;
  readonly sizeBytes: number;
  readonly receivedAtUnixMs: number;
  readonly copies: readonly { readonly volume: number; readonly offsetBytes: number }[];
}
