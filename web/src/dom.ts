// The page's whole toolkit: make an element, copy text, offer a file. Everything that came from the
// run goes into the page as text nodes, so that no label can become markup.
export type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | null | ((event: Event) => void)>;

/// An element with attributes (`onclick`: a listener; null and false: left out) and children.
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag, attributes: Attributes = {}, ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else if (value !== null && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  add(element, children);
  return element;
}

export function add(parent: Node, children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(typeof child === "string" ? document.createTextNode(child) : child);
  }
}

/// Puts `text` on the clipboard; true when it got there. The second way is for browsers that keep
/// the clipboard from pages opened as files.
export async function copy_text(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", { class: "offscreen", readonly: true });
    area.value = text;
    document.body.appendChild(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}

/// A button that copies what `text()` gives and says so for a moment.
export function copy_button(label: string, done: string, text: () => string): HTMLElement {
  const button = h("button", { type: "button", class: "small", onclick: () => void copy() }, label);
  const copy = async () => {
    if (!(await copy_text(text()))) return;
    button.textContent = done;
    setTimeout(() => (button.textContent = label), 1500);
  };
  return button;
}

/// Hands `text` to the reader as a file.
export function save_file(name: string, type: string, text: string): void {
  const link = h("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
