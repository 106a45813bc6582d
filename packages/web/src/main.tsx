/** Composition root of the viewer: the only place that reaches for the browser's clock, network and storage. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Api } from "./api/client.ts";
import { ServicesContext } from "./services.ts";
import type { Services } from "./services.ts";
import { App } from "./views/app.tsx";

const services: Services = {
  api: new Api({ fetch: (input, init) => fetch(input, init), onSignedOut: () => location.replace("/sign-in") }),
  nowUnixMs: () => Date.now(),
  storage: {
    getItem: (key) => localStorage.getItem(key),
    setItem: (key, value) => localStorage.setItem(key, value),
    removeItem: (key) => localStorage.removeItem(key),
  },
  openEvents: (path) => new EventSource(path),
  schedule: (task, delayMs) => {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};

const root = document.querySelector("#root");
if (root === null) throw new TypeError("index.html: expected an element with id root");
createRoot(root).render(
  <StrictMode>
    <ServicesContext value={services}>
      <App />
    </ServicesContext>
  </StrictMode>,
);
