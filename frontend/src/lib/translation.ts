/**
 * Keeps React working while the browser translates the page.
 *
 * A translator replaces each text node by a <font> element. React does not know about it: it would fail to remove its
 * own text node, and would update a text that is no longer shown.
 */
export function surviveTranslation(root: Node): void {
  const translations = new WeakMap<Node, Element>();
  const observer = new MutationObserver(note);
  observer.observe(root, { childList: true, subtree: true });

  function note(records: MutationRecord[]): void {
    for (const { addedNodes, removedNodes, previousSibling, nextSibling } of records) {
      const font = [...addedNodes, previousSibling, nextSibling].find(isFont);
      for (const node of font ? removedNodes : [])
        if (font && node instanceof Text) translations.set(node, font);
    }
  }

  /** The element shown in place of *node*, if it was translated. */
  function translationOf(node: Node | null): Element | undefined {
    note(observer.takeRecords());
    return node ? translations.get(node) : undefined;
  }

  const { removeChild, insertBefore } = Node.prototype;
  Node.prototype.removeChild = function <T extends Node>(this: Node, child: T): T {
    const shown = translationOf(child) ?? child;
    if (shown.parentNode === this) removeChild.call(this, shown);
    return child;
  };
  Node.prototype.insertBefore = function <T extends Node>(this: Node, node: T, next: Node | null) {
    const shown = translationOf(next) ?? next;
    insertBefore.call(this, node, shown?.parentNode === this ? shown : null);
    return node;
  };

  const nodeValue = Object.getOwnPropertyDescriptor(Node.prototype, "nodeValue");
  if (!nodeValue?.set) return;
  const { set } = nodeValue;
  Object.defineProperty(Node.prototype, "nodeValue", {
    ...nodeValue,
    set(this: ChildNode, text: string | null) {
      set.call(this, text);
      // The new text is shown; the translator then translates it like any other.
      translationOf(this)?.replaceWith(this);
      translations.delete(this);
    },
  });
}

const isFont = (node: Node | null): node is Element => node?.nodeName === "FONT";
