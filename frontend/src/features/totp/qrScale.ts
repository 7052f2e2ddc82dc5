const AT_LEAST = 200;

/** The whole number of times a QR image is enlarged to be readable: its modules must stay equal squares. */
export const qrScale = (pixels: number) => Math.max(1, Math.ceil(AT_LEAST / Math.max(1, pixels)));
