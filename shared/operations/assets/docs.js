"use strict";

// Renders /openapi.json and sends real requests. Everything is put into the page as text, never as markup.
(() => {
  const byId = (id) => document.getElementById(id);
  const METHODS = ["get", "post", "put", "patch", "delete"];
  let api = null;

  /** An element with attributes, listeners and children. */
  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return element;
  }

  /** Text with `code` in backticks. */
  const prose = (text) => text.split("`").map((piece, at) => (at % 2 ? make("code", {}, piece) : piece));

  function resolve(part) {
    let found = part;
    for (let depth = 0; found && found.$ref && depth < 20; depth += 1) {
      found = found.$ref.slice(2).split("/").reduce((at, name) => at && at[name.replaceAll("~1", "/").replaceAll("~0", "~")], api);
    }
    return found || {};
  }

  const language = () => byId("language").value;

  // --- schemas ---

  const choices = (schema) => (schema.anyOf || schema.oneOf || []).filter((s) => s.type !== "null");

  /** One schema with the parts of `allOf` put together. */
  function whole(part) {
    const schema = resolve(part);
    if (!schema.allOf) return schema;
    const merged = { ...schema, properties: { ...schema.properties }, required: [...(schema.required || [])] };
    for (const piece of schema.allOf.map(whole)) {
      Object.assign(merged.properties, piece.properties);
      merged.required.push(...(piece.required || []));
    }
    return merged;
  }

  function typeOf(part) {
    const schema = whole(part);
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum) return schema.enum.filter((v) => v !== null).map((v) => JSON.stringify(v)).join(" | ");
    const options = choices(schema);
    if (options.length) return options.map(typeOf).join(" | ");
    const types = [].concat(schema.type || (schema.properties ? "object" : "any")).filter((t) => t !== "null");
    const type = types.join(" | ");
    if (type === "array") return `list of ${schema.items ? typeOf(schema.items) : "anything"}`;
    return schema.format ? `${type} (${schema.format})` : type;
  }

  function limitsOf(part) {
    const schema = whole(part);
    const limits = [];
    const range = (least, most, of) => {
      if (least === undefined && most === undefined) return;
      const said = most === undefined ? `at least ${least}` : least === undefined ? `at most ${most}` : `${least}–${most}`;
      limits.push(of ? `${said} ${of}` : said);
    };
    range(schema.minimum, schema.maximum, "");
    range(schema.minLength, schema.maxLength, "characters");
    range(schema.minItems, schema.maxItems, "items");
    if (schema.pattern) limits.push(schema.pattern);
    if (schema.default !== undefined && schema.default !== null) limits.push(`default ${JSON.stringify(schema.default)}`);
    return limits.join(", ");
  }

  /** Rows of an object's members, those of members below them indented by their path. */
  function rows(part, prefix, depth, sent) {
    const schema = whole(part);
    if (depth > 4) return [];
    const target = schema.items ? whole(schema.items) : schema;
    const options = choices(target);
    if (options.length) return options.flatMap((option) => rows(option, prefix, depth + 1, sent));
    // In an answer, a member that is always there needs no mark.
    const required = new Set(sent ? target.required || [] : []);
    const before = schema.items ? `${prefix}[]` : prefix;
    return Object.entries(target.properties || {}).flatMap(([name, member]) => {
      const path = before ? `${before}.${name}` : name;
      const said = [resolve(member).description || member.description, limitsOf(member)].filter(Boolean).join(" · ");
      const row = make("tr", {},
        make("td", {}, make("code", {}, path), required.has(name) ? make("span", { class: "must" }, "required") : null),
        make("td", {}, typeOf(member)), make("td", {}, prose(said)));
      return [row, ...rows(member, path, depth + 1, sent)];
    });
  }

  function table(heads, body) {
    return make("div", { class: "table" }, make("table", {},
      make("thead", {}, make("tr", {}, heads.map((head) => make("th", {}, head)))), make("tbody", {}, body)));
  }

  function schemaView(part, sent) {
    const body = rows(part, "", 0, sent);
    return body.length ? table(["Member", "Type", "Meaning"], body) : make("p", {}, make("code", {}, typeOf(part)));
  }

  function example(part, depth = 0) {
    const schema = whole(part);
    if (schema.default !== undefined) return schema.default;
    if (schema.const !== undefined) return schema.const;
    if (schema.enum) return schema.enum[0];
    const options = choices(schema);
    if (options.length) return example(options[0], depth + 1);
    const type = [].concat(schema.type || "object").find((t) => t !== "null");
    if (type === "array") return schema.items && depth < 4 ? [example(schema.items, depth + 1)] : [];
    if (type === "integer" || type === "number") return Math.max(schema.minimum ?? 1, 1);
    if (type === "boolean") return true;
    if (type === "string") {
      const formats = { uuid: "00000000-0000-7000-8000-000000000000", "date-time": new Date().toISOString(), date: new Date().toISOString().slice(0, 10), email: "me@example.com" };
      return formats[schema.format] || "text".padEnd(schema.minLength || 0, "x");
    }
    if (depth > 4) return {};
    const required = new Set(schema.required || []);
    const members = Object.entries(schema.properties || {}).filter(([name]) => required.has(name) || depth === 0);
    return Object.fromEntries(members.map(([name, member]) => [name, example(member, depth + 1)]));
  }

  // --- operations ---

  function codesOf(operation) {
    const codes = [];
    for (const [status, reference] of Object.entries(operation.responses)) {
      const content = (resolve(reference).content || {})["application/problem+json"];
      for (const code of Object.keys((content || {}).examples || {})) codes.push({ status, code });
    }
    return codes;
  }

  function parametersView(parameters) {
    const body = parameters.map((p) => make("tr", {},
      make("td", {}, make("code", {}, p.name), p.required ? make("span", { class: "must" }, "required") : null),
      make("td", {}, p.in), make("td", {}, typeOf(p.schema)),
      make("td", {}, prose([p.description, limitsOf(p.schema)].filter(Boolean).join(" · ")))));
    return table(["Parameter", "In", "Type", "Meaning"], body);
  }

  function inside(method, path, operation) {
    const parameters = (operation.parameters || []).map(resolve);
    const body = operation.requestBody && operation.requestBody.content["application/json"];
    const parts = [
      make("p", {}, prose(operation.description || "")),
      make("p", { class: "quiet" }, `Limit: ${operation["x-rate"] || "none"} · `, make("code", {}, operation.operationId)),
    ];
    if (parameters.length) parts.push(make("h3", {}, "Parameters"), parametersView(parameters));
    if (body) parts.push(make("h3", {}, "Body"), schemaView(body.schema, true));
    for (const [status, reference] of Object.entries(operation.responses)) {
      if (Number(status) >= 400) continue;
      const response = resolve(reference);
      parts.push(make("h3", {}, `Answer ${status} ${response.description}`));
      for (const [media, content] of Object.entries(response.content || {})) {
        parts.push(make("p", { class: "quiet" }, media), schemaView(content.schema, false));
      }
    }
    parts.push(make("h3", {}, "Errors"), make("div", { class: "codes" },
      codesOf(operation).map(({ status, code }) => make("a", { href: `#${code}` }, make("code", {}, `${status} ${code}`)))));
    parts.push(tryView(method, path, parameters, body));
    return make("div", { class: "inside" }, parts);
  }

  // --- trying a call ---

  function input(parameter) {
    const schema = whole(parameter.schema);
    const values = schema.enum && schema.enum.filter((v) => v !== null);
    if (values) return make("select", {}, make("option", { value: "" }, ""), values.map((v) => make("option", { value: v }, String(v))));
    return make("input", { spellcheck: "false", autocomplete: "off", placeholder: typeOf(schema) });
  }

  function tryView(method, path, parameters, body) {
    const fields = parameters.filter((p) => p.name !== "Accept-Language").map((parameter) => {
      const control = input(parameter);
      if (parameter.name === "Idempotency-Key" && parameter.required) control.value = crypto.randomUUID();
      return { parameter, control };
    });
    const text = body ? make("textarea", { spellcheck: "false", "aria-label": "Body" }) : null;
    if (text) text.value = JSON.stringify(example(body.schema), null, 2);
    const result = make("div", { role: "status" });
    const send = make("button", { class: "send", type: "button" }, "Send");
    const request = () => {
      let url = path;
      const query = new URLSearchParams();
      const headers = { "Accept-Language": language() };
      for (const { parameter, control } of fields) {
        const value = control.value;
        if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encodeURIComponent(value));
        else if (value !== "" && parameter.in === "query") query.set(parameter.name, value);
        else if (value !== "" && parameter.in === "header") headers[parameter.name] = value;
      }
      const token = byId("token").value.trim();
      if (token) headers.Authorization = `Bearer ${token}`;
      if (text) headers["Content-Type"] = "application/json";
      const asked = query.toString();
      return { url: asked ? `${url}?${asked}` : url, init: { method: method.toUpperCase(), headers, body: text ? text.value : undefined } };
    };
    send.addEventListener("click", async () => {
      const missing = fields.find(({ parameter, control }) => parameter.in === "path" && !control.value);
      if (missing) { missing.control.focus(); return; }
      send.disabled = true;
      try {
        const { url, init } = request();
        const started = performance.now();
        const response = await fetch(url, { ...init, redirect: "manual" });
        const answer = await response.text();
        show(result, response, answer, Math.round(performance.now() - started));
      } catch (error) {
        result.replaceChildren(make("p", { class: "bad" }, `No answer: ${error.message}`));
      } finally {
        send.disabled = false;
      }
    });
    const copy = make("button", { type: "button", onclick: () => {
      const { url, init } = request();
      const quote = (s) => `'${s.replaceAll("'", "'\\''")}'`;
      // The token stays out of what is copied.
      const shown = Object.entries(init.headers).map(([n, v]) => `-H ${quote(`${n}: ${n === "Authorization" ? "Bearer $TOKEN" : v}`)}`.replace("'Authorization: Bearer $TOKEN'", "\"Authorization: Bearer $TOKEN\""));
      const data = init.body === undefined ? [] : [`-d ${quote(init.body)}`];
      navigator.clipboard.writeText(["curl -i", `-X ${init.method}`, ...shown, ...data, quote(location.origin + url)].join(" "));
    } }, "Copy as curl");
    return make("div", { class: "try" }, make("h3", {}, "Try it"),
      make("div", { class: "fields" }, fields.map(({ parameter, control }) => make("label", {}, parameter.name, control))),
      text, make("div", { class: "actions" }, send, copy), result);
  }

  function show(result, response, answer, milliseconds) {
    const good = response.ok || response.type === "opaqueredirect";
    const status = response.type === "opaqueredirect" ? "A redirect, not followed" : `${response.status} ${response.statusText}`;
    let body = answer;
    try { body = JSON.stringify(JSON.parse(answer), null, 2); } catch { /* not JSON: shown as it is */ }
    const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    result.replaceChildren(
      make("p", {}, make("span", { class: `status ${good ? "good" : "bad"}` }, status), ` in ${milliseconds} ms`),
      make("details", {}, make("summary", {}, "Headers"), make("pre", {}, headers)),
      body ? make("pre", {}, body) : make("p", { class: "quiet" }, "No body."));
  }

  // --- the page ---

  function operationView(method, path, operation) {
    const view = make("details", { class: "operation", id: operation.operationId },
      make("summary", {}, make("span", { class: `method ${method}` }, method.toUpperCase()), make("span", { class: "path" }, path),
        make("span", { class: "said" }, operation.summary)));
    // Several hundred operations: what is inside is made when it is opened.
    view.addEventListener("toggle", () => {
      if (view.open && view.children.length === 1) view.append(inside(method, path, operation));
    });
    return view;
  }

  function errorsView() {
    const body = Object.entries(api["x-codes"] || {}).map(([code, { status, text }]) => make("tr", { id: code },
      make("td", {}, make("code", {}, code)), make("td", {}, String(status)), make("td", {}, text[language()] || text.ja)));
    byId("errors").replaceChildren(make("h2", {}, "Error codes"),
      make("p", {}, "Every refusal is a problem (RFC 9457, application/problem+json). Programs branch on its code; people read its detail."),
      table(["Code", "Status", "Sentence"], body));
  }

  function listed() {
    const areas = new Map();
    for (const [path, item] of Object.entries(api.paths)) {
      for (const method of METHODS.filter((m) => item[m])) {
        const area = (item[method].tags || ["other"])[0];
        if (!areas.has(area)) areas.set(area, []);
        areas.get(area).push({ method, path, operation: item[method] });
      }
    }
    return areas;
  }

  function render() {
    byId("version").textContent = `${api.info.title} ${api.info.version}`;
    document.title = `${api.info.title} · API reference`;
    byId("introduction").replaceChildren(...(api.info.description || "").split("\n\n").filter(Boolean).map((p) => make("p", {}, prose(p))));
    const [index, sections] = [[], []];
    for (const [area, operations] of listed()) {
      const links = operations.map(({ method, path, operation }) => make("li", { "data-words": `${method} ${path} ${operation.summary}`.toLowerCase() },
        make("a", { href: `#${operation.operationId}`, title: operation.summary },
          make("span", { class: `method ${method}` }, method.toUpperCase()), path)));
      index.push(make("details", { open: true }, make("summary", {}, area), make("ul", {}, links)));
      sections.push(make("section", {}, make("h2", { id: `area-${area}` }, area),
        operations.map(({ method, path, operation }) => operationView(method, path, operation))));
    }
    index.push(make("p", {}, make("a", { href: "#errors" }, "Error codes")));
    byId("index").replaceChildren(...index);
    byId("areas").replaceChildren(...sections);
    errorsView();
    byId("state").hidden = true;
  }

  function follow() {
    const target = byId(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.tagName === "DETAILS") target.open = true;
    target.scrollIntoView();
  }

  byId("search").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const area of byId("index").querySelectorAll("details")) {
      let any = false;
      for (const item of area.querySelectorAll("li")) {
        item.hidden = !words.every((word) => item.dataset.words.includes(word));
        any = any || !item.hidden;
      }
      area.hidden = !any;
    }
  });
  byId("language").addEventListener("change", () => { if (api) errorsView(); });
  // The token lives as long as the tab.
  byId("token").value = sessionStorage.getItem("token") || "";
  byId("token").addEventListener("change", (event) => sessionStorage.setItem("token", event.target.value.trim()));
  window.addEventListener("hashchange", follow);

  fetch("/openapi.json")
    .then((response) => { if (!response.ok) throw new Error(`status ${response.status}`); return response.json(); })
    .then((document_) => { api = document_; render(); follow(); })
    .catch((error) => { byId("state").textContent = `/openapi.json could not be read: ${error.message}`; });
})();
