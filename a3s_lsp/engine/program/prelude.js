// What a script finds in its world: `ctx`, `console`, and nothing that leads outside. `names` are the tools it may use.
(function (names, maxToolCalls) {
  "use strict";
  // Taken now: what the script does to the built-in objects is its own loss.
  const { stringify, parse } = JSON;
  const allowed = new Set(names);
  const waiting = new Map();
  const outgoing = [];
  let count = 0;

  function call(name, args) {
    if (!allowed.has(name)) {
      throw new TypeError(`tool '${name}' is not allowed for this PTC script`);
    }
    if (count >= maxToolCalls) {
      throw new Error(`PTC script exceeded maxToolCalls=${maxToolCalls}`);
    }
    const text = stringify(args === undefined ? {} : args);
    const id = ++count;
    outgoing.push(`{"id":${id},"tool":${stringify(name)},"args":${text}}`);
    return new Promise((resolve) => waiting.set(id, resolve));
  }

  const output = (result) => result.output;
  const ctx = {
    tool: (name, args) => call(String(name), args),
    tools: new Proxy(Object.create(null), {
      get: (_, name) => (typeof name === "string" ? (args) => call(name, args) : undefined),
      set: () => false,
    }),
    read: (path, options) => call("read", { ...options, file_path: path }),
    readFile: (path, options) => call("read", { ...options, file_path: path }).then(output),
    grep: (pattern, options) => call("grep", { ...options, pattern }).then(output),
    glob: (pattern, options) =>
      call("glob", { ...options, pattern }).then((result) => {
        if (result.exitCode !== 0) throw new Error(result.output);
        return result.metadata?.paths ?? [];
      }),
    ls: (path) => call("ls", path === undefined ? {} : { path }).then(output),
    bash: (command, options) => call("bash", { ...options, command }).then(output),
    git: (args) => call("git", args),
    webSearch: (args) => call("web_search", args),
    verify: (args) => call("verify", args),
  };

  const logged = [];
  const shown = (value) => (typeof value === "string" ? value : (stringify(value) ?? String(value)));
  const log = (...values) => void logged.push(values.map(shown).join(" "));
  const console = { log, info: log, warn: log, error: log, debug: log };
  const refuse = () => {
    throw new Error("eval is not allowed inside PTC scripts");
  };
  for (const [name, value] of Object.entries({ ctx: Object.freeze(ctx), console: Object.freeze(console), eval: refuse })) {
    Object.defineProperty(globalThis, name, { value, writable: false, configurable: false, enumerable: false });
  }
  const outcome = { state: "running", text: "" };
  const failed = (error) => {
    outcome.state = "failed";
    const known = error !== null && typeof error === "object" && "message" in error;
    outcome.text = known ? `${error.name ?? "Error"}: ${error.message}\n${error.stack ?? ""}` : `thrown: ${String(error)}${error === null ? " (the engine ends scripts without memory so, too: 64 MiB)" : ""}`;
  };
  const succeeded = (value) => {
    const text = stringify(value);
    if (text === undefined) throw new TypeError(`run must return a JSON value, not ${typeof value}`);
    outcome.text = text;
    outcome.state = "completed";
  };

  // The bridge, for the worker alone: it takes these names away before the script can see them.
  globalThis.__begin = (run, inputs) => {
    try {
      Promise.resolve(run(ctx, parse(inputs))).then(succeeded).catch(failed);
    } catch (error) {
      failed(error);
    }
  };
  globalThis.__take = () => {
    const told = stringify({ calls: outgoing, log: logged, ...outcome, open: waiting.size });
    outgoing.length = logged.length = 0;
    return told;
  };
  globalThis.__give = (id, result) => {
    const resolve = waiting.get(id);
    waiting.delete(id);
    resolve?.(parse(result));
  };
})
