// SPDX-License-Identifier: Apache-2.0
// A chat and a stream by Node's own https, TLS 1.2 and 1.3: node_client.js ADDRESS PORT NAME CA KEY. For `make tls-report`.
const [address, port, name, ca, key] = process.argv.slice(2);
const https = require("https"), fs = require("fs");

function ask(version, stream) {
  const body = JSON.stringify({ model: "stub", stream, messages: [{ role: "user", content: "Hello there." }] });
  const options = {
    host: address, port, servername: name, ca: fs.readFileSync(ca), minVersion: version, maxVersion: version, method: "POST",
    path: "/v1/chat/completions",
    headers: { Host: name, Authorization: `Bearer ${key}`, "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) },
  };
  return new Promise((done, failed) => {
    const request = https.request(options, (answer) => {
      const used = answer.socket.getProtocol(), cipher = answer.socket.getCipher().standardName;
      let text = "";
      answer.on("data", (part) => (text += part));
      answer.on("end", () => {
        const whole = stream ? text.endsWith("data: [DONE]\n\n") : JSON.parse(text).object === "chat.completion";
        if (answer.statusCode !== 200 || !whole || used !== version) failed(new Error(text));
        else done(`${version} ${cipher} ${stream ? "stream" : "chat"}`);
      });
    });
    request.on("error", failed);
    request.end(body);
  });
}

(async () => {
  for (const version of ["TLSv1.2", "TLSv1.3"])
    for (const stream of [false, true]) console.log(await ask(version, stream));
})().catch((e) => {
  console.error(e);
  process.exit(1);
});
