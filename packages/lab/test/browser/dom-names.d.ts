/**
 * Names that playwright-core's types mention. Tests run in Node: what happens in a page is text handed to it, so the
 * types of the DOM stay out of this program.
 */
// oxlint-disable typescript/no-empty-object-type, typescript/no-empty-interface
interface Node {}
interface HTMLElement extends Node {}
interface SVGElement extends Node {}
interface HTMLElementTagNameMap {}
