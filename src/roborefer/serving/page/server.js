// The server's /v1/point: what is sent, what comes back, and the same question as a curl line.

/** What went wrong, in words for a person. `status` is 0 when nothing answered. */
export class ServerError extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }

  /** Whether the same question may be answered another time: a request that was refused for itself never is. */
  get mayHeal() {
    return this.status < 400 || this.status >= 500 || this.status === 408 || this.status === 429;
  }
}

const STATUS_OF = { invalid_request_error: 400, rate_limit_error: 429 }; // of what fails after the answer has begun

/** The fields of a question, files aside: name -> text. */
function fieldsOf({ picture, instruction, reasoning }) {
  const fields = { instruction };
  if (picture.depth && picture.depthUnit) fields.depth_unit = picture.depthUnit;
  if (picture.fov) fields.fov = picture.fov;
  else if (picture.camera) fields.intrinsics = JSON.stringify(picture.camera);
  if (picture.depth && picture.pose) fields.world_from_camera = JSON.stringify(picture.pose);
  if (reasoning) fields.reasoning = "true";
  return fields;
}

/**
 * Asks where something is.
 * @param question {picture, instruction, reasoning}
 * @param options {key, signal, onText(text so far), onStep(step)}
 * @returns the reply, as docs/serving.md describes it, with its heatmap
 */
export async function askServer(question, { key, signal, onText, onStep }) {
  const form = new FormData();
  form.append("image", question.picture.file, question.picture.name);
  if (question.picture.depth) form.append("depth", question.picture.depth, question.picture.depth.name);
  for (const [name, value] of Object.entries({ ...fieldsOf(question), heatmap: "true", stream: "true" })) {
    form.append(name, value);
  }
  let response;
  try {
    const headers = key ? { authorization: `Bearer ${key}` } : {};
    response = await fetch("v1/point", { method: "POST", body: form, headers, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServerError("The server does not answer. Is it still running?");
  }
  if (!response.ok) throw await refusal(response);
  let reply = null;
  for await (const { event, data } of events(response.body)) {
    if (event === "text") onText(data.text);
    else if (event === "step") onStep(data);
    else if (event === "result") reply = data;
    else if (event === "error") throw new ServerError(messageOf(data) ?? "The server gave up.", STATUS_OF[data.error?.type] ?? 500);
  }
  if (reply === null) throw new ServerError("The server closed the connection before it had answered.");
  return reply;
}

function messageOf(content) {
  const told = content?.error ?? content?.detail;
  if (typeof told === "string") return told;
  return typeof told?.message === "string" ? told.message : null;
}

async function refusal(response) {
  let told = null;
  try {
    told = messageOf(await response.json());
  } catch {
    // No JSON came: a proxy in between, perhaps. The status says enough.
  }
  const wait = response.headers.get("retry-after");
  const message = told ?? `The server answered ${response.status} ${response.statusText}`.trim();
  return new ServerError(wait ? `${message} (try again in ${wait} s)` : message, response.status);
}

/** Server-sent events of a response: {event, data}, data parsed. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const found = eventOf(block);
        if (found) yield found;
      }
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServerError("The connection broke before the answer was there.");
  } finally {
    reader.cancel().catch(() => {});
  }
}

function eventOf(block) {
  let event = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  const text = data.join("\n");
  return text === "" || text === "[DONE]" ? null : { event, data: JSON.parse(text) };
}

/** The question as lines for a shell; a shipped example is fetched first. */
export function curlLines(question, origin, withKey) {
  const { picture } = question;
  const lines = [];
  const fetched = [picture.address, picture.depthAddress].filter(Boolean);
  if (fetched.length) {
    lines.push(["curl -s --remote-name-all", ...fetched.map((address) => quoted(new URL(address, origin).href))].join(" \\\n  "));
  }
  const parts = [`curl -s ${quoted(new URL("v1/point", origin).href)}`];
  if (withKey) parts.push('-H "Authorization: Bearer $ROBOREFER_API_KEY"');
  parts.push(`-F ${quoted(`image=@${formName(picture.name)}`)}`);
  if (picture.depth) parts.push(`-F ${quoted(`depth=@${formName(picture.depth.name)}`)}`);
  // --form-string: a text that begins with @ or < is a text, not a file.
  for (const [name, value] of Object.entries(fieldsOf(question))) parts.push(`--form-string ${quoted(`${name}=${value}`)}`);
  lines.push(parts.join(" \\\n  "));
  return lines.join("\n");
}

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

// curl reads ; and , in file names as options, unless the name is in double quotes.
const formName = (name) => (/[;,"\\]/.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : name);
