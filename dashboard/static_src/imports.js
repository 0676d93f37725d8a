// The import page: a file goes up in parts and goes on after an interruption; an import that runs is followed.

const POLL_MS = 1000;
const RETRY_MS = 3000;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

class Refused extends Error {}

function startUpload(form) {
  const sending = form.querySelector("[data-sending]");
  const error = form.querySelector("[data-error]");
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const headers = { Accept: "application/json", "X-CSRFToken": token };

  const tell = (text) => {
    error.textContent = text;
    error.hidden = text === "";
  };

  async function post(url, body, type) {
    const response = await fetch(url, { method: "POST", body, headers: type ? { ...headers, "Content-Type": type } : headers });
    const answer = await response.json().catch(() => null);
    if (answer?.open) {
      location.assign(answer.open);
      throw new Refused("");
    }
    if (answer === null || answer.error) throw new Refused(answer?.error ?? form.dataset.refused);
    return answer;
  }

  async function begin(file) {
    const { id, name, size, received } = form.dataset;
    if (id && name === file.name && Number(size) === file.size) return [id, Number(received)];
    const body = new FormData();
    body.set("name", file.name);
    body.set("size", file.size);
    return [(await post(form.action, body)).id, 0];
  }

  function show(share) {
    const percent = Math.floor(100 * share);
    sending.querySelector("progress").value = percent;
    sending.querySelector("[data-percent]").textContent = percent;
  }

  async function send(file) {
    let [id, offset] = await begin(file);
    const step = Number(form.dataset.partBytes);
    while (offset < file.size) {
      const url = `${form.dataset.upload}?upload=${id}&offset=${offset}`;
      try {
        offset = (await post(url, file.slice(offset, offset + step), "application/octet-stream")).received;
        tell("");
      } catch (trouble) {
        if (trouble instanceof Refused) throw trouble;
        tell(form.dataset.lost);
        await pause(RETRY_MS);
      }
      show(offset / file.size);
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    tell("");
    sending.hidden = false;
    try {
      await send(form.querySelector("input[type=file]").files[0]);
      location.reload();
    } catch (trouble) {
      tell(trouble instanceof Refused ? trouble.message : form.dataset.lost);
      sending.hidden = true;
      button.disabled = false;
    }
  });
}

async function follow(card) {
  for (;;) {
    await pause(POLL_MS);
    try {
      const response = await fetch(card.dataset.import, { cache: "no-store", signal: AbortSignal.timeout(5000) });
      if (!response.ok) continue;
      const state = await response.json();
      if (state.stage !== card.dataset.stage) return location.reload();
      card.querySelector("progress").value = state.percent;
      card.querySelector("[data-percent]").textContent = state.percent;
      card.querySelector("[data-words]").textContent = state.words;
    } catch {
      // the site does not answer: the live link speaks of that, and the next look asks again
    }
  }
}

document.querySelectorAll("form[data-upload]").forEach(startUpload);
document.querySelectorAll("[data-import]").forEach(follow);
