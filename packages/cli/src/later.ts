/** Actions whose code is loaded when the command is given: `pericard terminal` needs no server in its memory. */

type Action = (...args: never[]) => unknown;

/** An action that loads its module first. */
export function later<Name extends string, Actions extends Readonly<Record<Name, Action>>>(
  load: () => Promise<Actions>,
  name: Name,
): (...args: Parameters<Actions[Name]>) => Promise<void> {
  return async (...args) => {
    await (await load())[name](...args);
  };
}
