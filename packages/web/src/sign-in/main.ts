/** The sign-in page: reads the link's token, says what will happen, and uses the token when the button is pressed. */
import { explain, refusalOf } from "../api/problem.ts";
import { toWebError } from "../errors.ts";
import type { WebError } from "../errors.ts";
import { tokenOf } from "./token.ts";

const SECTION = document.querySelector("#sign-in");

/** Replaces what the page shows. */
function show(...children: readonly HTMLElement[]): void {
  SECTION?.replaceChildren(...children);
}

function element(tag: "h1" | "p" | "code", text: string, className = ""): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

function howToGetALink(): HTMLElement[] {
  return [
    element("p", "Sign-in links are made on the machine that runs Pericard. Run"),
    element("code", "pericard sign-in", "command"),
    element("p", "there and open the link that it prints. Each link works once and for a short time."),
  ];
}

function showStart(): void {
  const token = tokenOf(location.hash);
  if (token === undefined) show(element("h1", "You are not signed in"), ...howToGetALink());
  else showReady(token);
}

function showReady(token: string): void {
  const text = `This uses up your one-time link and keeps this browser signed in to ${location.host} until the session ends.`;
  show(element("h1", "Sign in"), element("p", text), signInButton(token));
}

function signInButton(token: string): HTMLElement {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Sign in";
  button.dataset["testid"] = "sign-in-button";
  button.addEventListener("click", () => {
    button.disabled = true;
    button.textContent = "Signing in…";
    void signIn(token);
  });
  return button;
}

async function signIn(token: string): Promise<void> {
  try {
    await postSession(token);
    location.replace("/");
  } catch (caught) {
    showFailure(toWebError(caught), token);
  }
}

async function postSession(token: string): Promise<void> {
  const response = await fetch("/api/v1/session", {
    method: "POST",
    credentials: "same-origin",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token }),
  });
  if (!response.ok) throw await refusalOf(response);
}

function showFailure(error: WebError, token: string): void {
  if (error.status === 401) return showUsedLink();
  show(element("h1", "Sign in"), failure(explain(error)), signInButton(token));
}

/** The token is worth nothing now: it leaves the address, so that a reload does not offer it again. */
function showUsedLink(): void {
  history.replaceState(null, "", location.pathname);
  const text = "It was used before, or its time is over. Nobody can sign in with it any more.";
  show(element("h1", "This link does not work"), failure(text), ...howToGetALink());
}

function failure(text: string): HTMLElement {
  const made = element("p", text, "failure");
  made.setAttribute("role", "alert");
  made.dataset["testid"] = "sign-in-error";
  return made;
}

addEventListener("hashchange", showStart);
showStart();
