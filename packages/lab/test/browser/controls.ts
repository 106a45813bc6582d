/** What an accessibility checker looks at first, and whether the keyboard reaches every control. */
import type { Page } from "playwright-core";

/** A control by its accessible role and name, as the page wrote it. */
export type Control = string;

const BROKEN = `(() => {
  const broken = [];
  const html = document.documentElement;
  if (!html.lang) broken.push("the page has no language");
  if (!document.title) broken.push("the page has no title");
  if (document.querySelectorAll("h1").length !== 1 && document.querySelector("dialog[open]") === null)
    if (document.querySelectorAll("main h1").length === 0 && document.querySelector('[role="alert"]') === null)
      broken.push("the page has no heading");
  if (/user-scalable\\s*=\\s*no|maximum-scale/.test(document.querySelector('meta[name="viewport"]')?.content ?? ""))
    broken.push("the page cannot be zoomed");
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  if (new Set(ids).size !== ids.length) broken.push("an id is used twice");
  if (html.scrollWidth > innerWidth) broken.push("the page is " + html.scrollWidth + " px wide in " + innerWidth);
  const shown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const parse = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  for (const element of document.querySelectorAll("body *")) {
    if (!shown(element)) continue;
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "");
    if (own && !element.closest(".visually-hidden, noscript, :disabled, option")) {
      const pair = [light(parse(getComputedStyle(element).color).slice(0, 3)), light(ground(element))];
      const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
      if (contrast < 4.5) broken.push("contrast " + contrast.toFixed(1) + " of " + element.textContent.slice(0, 40));
    }
    if (element.matches("img:not([alt]), svg:not([aria-hidden]):not([role])")) broken.push("a picture has no text");
    if (!element.matches("button, select, summary, input, [role=slider]")) continue;
    if (element.closest(".visually-hidden")) continue;
    const box = element.getBoundingClientRect();
    if (Math.min(box.width, box.height) < 24)
      broken.push("a control of " + box.width + " × " + box.height + " px: " + element.outerHTML.slice(0, 80));
    const dialog = document.querySelector("dialog[open]");
    const view = element.closest(".popover-panel, .split-list, .list-body") ?? document.body;
    if (dialog === null && view === document.body && (box.right > innerWidth + 0.5 || box.left < -0.5))
      broken.push("a control is outside the window: " + element.outerHTML.slice(0, 80));
  }
  return broken;
})()`;

/** Roles that a person operates. */
const OPERATED = new Set([
  "button",
  "link",
  "textbox",
  "searchbox",
  "combobox",
  "slider",
  "checkbox",
  "radio",
  "switch",
  "menuitem",
  "tab",
  "DisclosureTriangle",
]);

interface AxNode {
  readonly ignored?: boolean;
  readonly role?: { readonly value?: unknown };
  readonly name?: { readonly value?: unknown };
}

/** Rules that the page breaks, in words; none when all is well. */
export async function brokenRules(page: Page): Promise<readonly string[]> {
  const broken = await page.evaluate<readonly string[]>(BROKEN);
  const session = await page.context().newCDPSession(page);
  const { nodes } = (await session.send("Accessibility.getFullAXTree")) as unknown as { nodes: readonly AxNode[] };
  await session.detach();
  const nameless = nodes
    .filter(({ ignored, role }) => ignored !== true && OPERATED.has(String(role?.value)))
    .filter(({ name }) => String(name?.value ?? "").trim() === "")
    .map(({ role }) => `a ${String(role?.value)} has no name`);
  return [...broken, ...nameless];
}

const LIST = `(() => {
  const top = document.querySelector("dialog[open]") ?? document;
  const all = top.querySelectorAll("a[href], button, select, input, summary, textarea, [tabindex]");
  return [...all].filter((e) => e.tabIndex >= 0 && !e.disabled && e.checkVisibility()).map((e) => {
    e.dataset.control ??= e.dataset.testid ?? e.getAttribute("aria-label") ?? e.textContent.trim().slice(0, 40);
    return e.dataset.control;
  });
})()`;

const FOCUSED = `(() => {
  const { activeElement: e } = document;
  if (e === null || e === document.body) return "";
  const { outlineStyle, outlineWidth } = getComputedStyle(e);
  const visible = outlineStyle !== "none" && parseFloat(outlineWidth) >= 1;
  return (visible ? "" : "unseen: ") + (e.dataset.control ?? e.tagName);
})()`;

/** Goes through the page with Tab. @returns what was reached, and what was not. A focus that is not seen counts as missed. */
export async function reachedByTab(page: Page): Promise<{ reached: readonly Control[]; missed: readonly Control[] }> {
  const controls = await page.evaluate<readonly Control[]>(LIST);
  const reached = new Set<Control>();
  for (let step = 0; step < controls.length + 3; step++) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate<Control>(FOCUSED));
  }
  return { reached: [...reached], missed: controls.filter((control) => !reached.has(control)) };
}
