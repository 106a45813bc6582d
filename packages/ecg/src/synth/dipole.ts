/** The heart as a moving dipole: each coordinate is a sum of Gaussians along the phase of the beat.
 * Source: McSharry et al., IEEE Trans. Biomed. Eng. 50(3), 2003 (events on a limit cycle); Sameni et al., EURASIP J. Adv.
 * Signal Process. 2007 (three coordinates); here with values that look normal on paper in all 12 leads. */

/** One event: a bump at a phase. */
interface Event {
  /** Centre in radians at 60 beats per minute; the R peak is at 0. */
  readonly phaseRad: number;
  /** Height in mV. */
  readonly heightMv: number;
  /** Standard deviation in radians at 60 beats per minute. */
  readonly widthRad: number;
}

/** Frank's axes: x to the left, y to the feet, z to the back. */
const EVENTS: readonly (readonly Event[])[] = [
  events(
    [-0.94, 0.09, 0.12],
    [-0.19, -0.1, 0.05],
    [-0.07, 0.75, 0.045],
    [0.005, 1.0, 0.042],
    [0.075, 0.5, 0.04],
    [1.2, 0.06, 0.5],
    [1.5, 0.1, 0.3],
    [1.72, 0.22, 0.19],
  ),
  events(
    [-0.96, 0.13, 0.12],
    [-0.17, -0.05, 0.04],
    [-0.06, 0.42, 0.05],
    [0.005, 0.55, 0.042],
    [0.1, -0.16, 0.05],
    [1.25, 0.04, 0.45],
    [1.66, 0.19, 0.26],
  ),
  events(
    [-1.02, -0.05, 0.09],
    [-0.84, 0.04, 0.1],
    [-0.15, -0.3, 0.05],
    [-0.02, 0.1, 0.05],
    [0.095, 0.62, 0.055],
    [1.1, -0.06, 0.5],
    [1.6, -0.17, 0.24],
  ),
];

/** Entries of a beat table; the first is repeated behind the last. */
export const PHASE_COUNT = 4096;

/** One coordinate of the dipole over one beat, in mV, at PHASE_COUNT + 1 phases from 0 (R peak) to 2π.
 * @param axis 0, 1, 2 for x, y, z. @param heartRateBpm events widen with the square root of the rate, in phase, so that
 * they shorten with the square root of the RR interval, in time. Source: McSharry et al. 2003, §II.C; Bazett 1920. */
export function dipoleOverBeat(axis: number, heartRateBpm: number): Float64Array {
  const stretch = Math.sqrt(heartRateBpm / 60);
  const table = new Float64Array(PHASE_COUNT + 1);
  for (let i = 0; i <= PHASE_COUNT; i++) {
    const phaseRad = (2 * Math.PI * i) / PHASE_COUNT;
    for (const event of EVENTS[axis] ?? []) table[i] = (table[i] ?? 0) + bump(event, phaseRad, stretch);
  }
  return table;
}

/** A Gaussian on the circle: nearest distance only, since the widest is far narrower than a turn. */
function bump(event: Event, phaseRad: number, stretch: number): number {
  const turn = 2 * Math.PI;
  const away = phaseRad - event.phaseRad * stretch;
  const distance = away - turn * Math.round(away / turn);
  const width = event.widthRad * stretch;
  return event.heightMv * Math.exp(-(distance * distance) / (2 * width * width));
}

function events(...rows: readonly (readonly [phaseRad: number, heightMv: number, widthRad: number])[]): Event[] {
  return rows.map(([phaseRad, heightMv, widthRad]) => ({ phaseRad, heightMv, widthRad }));
}
