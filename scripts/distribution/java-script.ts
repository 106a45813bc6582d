/** What the compiler leaves of the sources' own file names. */

/** A module that is named for a thread or a process, and an import in a file of types. */
const MODULE_URL = /(new URL\("\.{1,2}\/[^"]*)\.ts"/g;
const TYPE_IMPORT = /((?:from|import\() ?"\.{1,2}\/[^"]*)\.ts"/g;

/** The text of a compiled file with every module named as it is when it is installed. */
export function javaScriptOf(path: string, text: string): string {
  return text.replace(path.endsWith(".d.ts") ? TYPE_IMPORT : MODULE_URL, '$1.js"');
}
