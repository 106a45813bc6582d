/** Path of the floor that answers as soon as the body is there: what HTTP alone costs. */
export const NOTHING_PATH = "/nothing";
