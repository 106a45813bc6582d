import * as fc from "fast-check";
import { expect, test } from "vitest";
import { MinHeap } from "../src/min-heap.ts";

test("values come out in the order of their ranks, however they went in", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.integer(), fc.constant("pop" as const))), (steps) => {
      const heap = new MinHeap<{ rank: number }>(({ rank }) => rank);
      const model: number[] = [];
      for (const step of steps) {
        if (step === "pop") expect(heap.pop()?.rank).toBe(model.shift());
        else {
          heap.push({ rank: step });
          model.push(step);
          model.sort((a, b) => a - b);
        }
        expect(heap.peek()?.rank).toBe(model[0]);
      }
    }),
  );
});
