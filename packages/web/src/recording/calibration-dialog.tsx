/** Makes 1 mm on the paper 1 mm on this screen: the outline of a bank card is matched to a real one. */
import { useEffect, useLayoutEffect, useRef } from "react";
import type { ReactNode } from "react";
import {
  BANK_CARD_HEIGHT_MM,
  BANK_CARD_WIDTH_MM,
  CSS_PX_PER_MM,
  PX_PER_MM_MAX,
  PX_PER_MM_MIN,
  boundedPxPerMm,
} from "../paper/calibration.ts";

/** Props of {@link CalibrationDialog}; `pxPerMm` in CSS px. */
export interface CalibrationDialogProps {
  readonly pxPerMm: number;
  readonly onChange: (pxPerMm: number) => void;
  readonly onClose: () => void;
}

const STEP = 0.01;

/** Dialog with slider and fine steps; every change is kept at once. */
export function CalibrationDialog({ pxPerMm, onChange, onClose }: CalibrationDialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    // Not closed when unmounted: that would tell `onClose`. Done and Escape close it, which also returns the focus.
    if (dialog.current?.open === false) dialog.current.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="calibration"
      onClose={onClose}
      aria-labelledby="calibration-title"
      data-testid="calibration"
    >
      <h2 id="calibration-title">Screen size</h2>
      <p>Hold a bank card against the outline and move the slider until both have the same size.</p>
      <div className="card-frame">
        <CardOutline pxPerMm={pxPerMm} />
      </div>
      <Slider pxPerMm={pxPerMm} onChange={onChange} />
      <p className="calibration-value">
        {pxPerMm.toFixed(2)} px/mm{pxPerMm === CSS_PX_PER_MM ? ", not calibrated" : ", kept on this screen"}
      </p>
      <div className="dialog-buttons">
        <button type="button" onClick={() => onChange(CSS_PX_PER_MM)} data-testid="calibration-reset">
          Reset
        </button>
        <button
          type="button"
          className="button-main"
          onClick={() => dialog.current?.close()}
          data-testid="calibration-close"
        >
          Done
        </button>
      </div>
    </dialog>
  );
}

function CardOutline({ pxPerMm }: { readonly pxPerMm: number }): ReactNode {
  const card = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (card.current === null) return;
    card.current.style.width = `${BANK_CARD_WIDTH_MM * pxPerMm}px`;
    card.current.style.height = `${BANK_CARD_HEIGHT_MM * pxPerMm}px`;
  }, [pxPerMm]);
  return (
    <div ref={card} className="card-outline" data-testid="card-outline">
      85.6 mm
    </div>
  );
}

function Slider({ pxPerMm, onChange }: Omit<CalibrationDialogProps, "onClose">): ReactNode {
  const set = (value: number): void => onChange(boundedPxPerMm(value));
  return (
    <div className="calibration-slider">
      <button type="button" aria-label="A little smaller" onClick={() => set(pxPerMm - STEP)}>
        −
      </button>
      <input
        type="range"
        aria-label="Pixels per millimetre"
        min={PX_PER_MM_MIN}
        max={PX_PER_MM_MAX}
        step={STEP}
        value={pxPerMm}
        onChange={({ target }) => set(Number(target.value))}
        data-testid="calibration-slider"
      />
      <button type="button" aria-label="A little larger" onClick={() => set(pxPerMm + STEP)}>
        +
      </button>
    </div>
  );
}
