/** Reads QR codes from pictures, as a phone's camera would. */
import decodeQR from "qr/decode.js";

/** A downloaded QR code may have one pixel per module, which is too small to be found in a picture. */
const MIN_SIZE = 400;
const MAX_SIZE = 2000;

/** The text of the QR code in a picture; null if there is none. */
export async function textInPicture(picture: Blob): Promise<string | null> {
  try {
    return decodeQR(await pixels(picture), { timeLimit: 2000 });
  } catch {
    return null;
  }
}

async function pixels(picture: Blob): Promise<ImageData> {
  const image = await createImageBitmap(picture);
  const scale = scaleFor(Math.max(image.width, image.height));
  const canvas = new OffscreenCanvas(
    Math.round(image.width * scale),
    Math.round(image.height * scale),
  );
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser cannot draw pictures");
  context.imageSmoothingEnabled = scale < 1;
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** How much to enlarge or reduce a picture of this size in pixels; a whole number keeps modules square. */
export function scaleFor(size: number): number {
  return size > MAX_SIZE ? MAX_SIZE / size : Math.max(1, Math.ceil(MIN_SIZE / size));
}
