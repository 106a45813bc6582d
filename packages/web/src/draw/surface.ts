/** A canvas whose coordinates are CSS px and whose pixels are the screen's own. */

/** A canvas context prepared for one drawing. */
export interface Surface {
  readonly context: CanvasRenderingContext2D;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly devicePixelRatio: number;
}

/**
 * Sizes the canvas, clears it and returns it ready to draw; undefined where there is no 2D context.
 * @param widthPx whole CSS px, and so `heightPx`: browsers print a canvas of fractional size at a wrong scale.
 */
export function prepareSurface(
  canvas: HTMLCanvasElement,
  widthPx: number,
  heightPx: number,
  devicePixelRatio: number,
): Surface | undefined {
  const context = canvas.getContext("2d");
  if (context === null) return undefined;
  resize(canvas, Math.round(widthPx * devicePixelRatio), Math.round(heightPx * devicePixelRatio));
  canvas.style.width = `${widthPx}px`;
  canvas.style.height = `${heightPx}px`;
  context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  context.clearRect(0, 0, widthPx, heightPx);
  return { context, widthPx, heightPx, devicePixelRatio };
}

function resize(canvas: HTMLCanvasElement, width: number, height: number): void {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}
