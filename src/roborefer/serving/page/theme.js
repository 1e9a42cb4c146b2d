// Light or dark: as the system has it, or as it was chosen here. The browser keeps the choice, if it keeps anything.

import { byId } from "./elements.js";

const KEPT_AS = "roborefer-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

export function followTheme() {
  const kept = recall();
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
  showChoice();
  byId("theme").addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    keep(theme);
    showChoice();
  });
  system.addEventListener("change", showChoice);
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : system.matches;
}

function showChoice() {
  byId("theme").textContent = isDark() ? "Light" : "Dark";
  byId("theme").setAttribute("aria-label", isDark() ? "Use light colours" : "Use dark colours");
}

// Where a browser forbids storage, the name alone throws.
function recall() {
  try {
    return localStorage.getItem(KEPT_AS);
  } catch {
    return null;
  }
}

function keep(theme) {
  try {
    localStorage.setItem(KEPT_AS, theme);
  } catch {
    // The choice then holds until the page is left.
  }
}
