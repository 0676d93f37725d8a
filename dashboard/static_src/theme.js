// Light, dark or as the system says. A cookie remembers it, so that the server's first HTML is right already.

const YEAR_S = 31536000;
const root = document.documentElement;

export function startTheme() {
  const group = document.querySelector("[data-theme-choice]");
  if (group === null) return;
  const mark = () => {
    for (const button of group.children) button.setAttribute("aria-pressed", String(button.value === root.dataset.theme));
  };
  if (!["light", "dark"].includes(root.dataset.theme)) root.dataset.theme = "auto";
  mark();
  group.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button === null) return;
    root.dataset.theme = button.value;
    document.cookie = `theme=${button.value}; path=/; max-age=${YEAR_S}; samesite=lax`;
    mark();
    document.dispatchEvent(new CustomEvent("themechange"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new CustomEvent("themechange")));
}
