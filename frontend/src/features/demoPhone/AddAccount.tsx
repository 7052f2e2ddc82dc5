import { useCallback, useEffect, useRef, useState } from "react";
import { addToPhone } from "../../lib/demoPhone";
import { Button } from "../../ui/Button";
import { Form } from "../../ui/Form";
import { TextField } from "../../ui/TextField";
import styles from "./AddAccount.module.css";
import { isLink, linkFor } from "./entries";
import { textInPicture } from "./picture";

const NO_KEY = "That is neither a setup link nor a key. A key has at least 16 characters.";
const NO_QR_CODE = "There is no QR code in that picture.";
const OTHER_QR_CODE = "That QR code is not for an authenticator app.";
const TWICE = "This account is already on the phone.";

/** Adds accounts from a link, a key or a picture of the QR code: typed, chosen, pasted or dropped. */
export function AddAccount() {
  const [text, setText] = useState("");
  const [name, setName] = useState("");
  const [problem, setProblem] = useState<string | null>(null);

  const add = useCallback((link: string | null, otherwise: string) => {
    setProblem(link === null ? otherwise : addToPhone(link) ? null : TWICE);
    if (link !== null) setText("");
  }, []);
  const addPicture = useCallback(
    async (picture: Blob) => {
      const found = await textInPicture(picture);
      if (found === null) setProblem(NO_QR_CODE);
      else add(isLink(found) ? linkFor(found) : null, OTHER_QR_CODE);
    },
    [add],
  );
  usePictures(addPicture);

  return (
    <Form onSubmit={() => add(linkFor(text, name), NO_KEY)}>
      <TextField
        id="setup"
        label="Setup link or key"
        mono
        hint="Or paste a picture of the QR code, or drop it anywhere on this page."
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        value={text}
        error={problem}
        onChange={(event) => setText(event.target.value)}
      />
      {text.trim() !== "" && !isLink(text) && (
        <TextField
          id="name"
          label="Name for this key"
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      )}
      <div className={styles.ways}>
        <Button type="submit">Add account</Button>
        <ChoosePicture onChosen={addPicture} />
      </div>
    </Form>
  );
}

function ChoosePicture({ onChosen }: { onChosen(picture: Blob): void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button onClick={() => input.current?.click()}>Choose a picture</Button>
      <input
        ref={input}
        type="file"
        accept="image/*"
        hidden
        aria-label="Picture of a QR code"
        onChange={({ target }) => {
          if (target.files?.[0]) onChosen(target.files[0]);
          // Otherwise the same file could not be chosen again.
          target.value = "";
        }}
      />
    </>
  );
}

/** Takes the pictures that are pasted or dropped anywhere on the page. */
function usePictures(onPicture: (picture: Blob) => void): void {
  useEffect(() => {
    const take = (event: Event, data: DataTransfer | null) => {
      const picture = [...(data?.files ?? [])].find((file) => file.type.startsWith("image/"));
      if (!picture) return;
      event.preventDefault();
      onPicture(picture);
    };
    const paste = (event: ClipboardEvent) => take(event, event.clipboardData);
    const drop = (event: DragEvent) => take(event, event.dataTransfer);
    const allowDrop = (event: DragEvent) => event.preventDefault();
    document.addEventListener("paste", paste);
    document.addEventListener("drop", drop);
    document.addEventListener("dragover", allowDrop);
    return () => {
      document.removeEventListener("paste", paste);
      document.removeEventListener("drop", drop);
      document.removeEventListener("dragover", allowDrop);
    };
  }, [onPicture]);
}
