# SPDX-License-Identifier: Apache-2.0
"""Stands for Presidio's analyzer: POST /analyze over HTTP/1.1, some names and a card. `presidio.py PORT`.

A text that holds "slowly" is answered after five seconds, one with "brokenly" with half an answer. GET /asked tells the
texts that it was asked about.
"""

import http.server
import json
import re
import sys
import time

KNOWN = {"PERSON": r"\b(?:Jane|José|张伟)(?: Doe)?\b", "LOCATION": r"\bLisbon\b", "CREDIT_CARD": r"\b4111(?: 1111){3}\b"}
asked = []


def analyze(question):
    return [{"analysis_explanation": None, "end": m.end(), "entity_type": kind,
             "recognition_metadata": {"recognizer_identifier": "Spacy_1", "recognizer_name": "Spacy"}, "score": 0.85,
             "start": m.start()} for kind, pattern in KNOWN.items() for m in re.finditer(pattern, question["text"])]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def say(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.say(200, json.dumps(asked).encode())

    def do_POST(self):
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/analyze" or question["language"] != "en":
            return self.say(400, b'{"error": "no"}')
        asked.append(question["text"])
        if "slowly" in question["text"]:
            time.sleep(5)
        body = json.dumps(analyze(question)).encode()
        return self.say(200, body[:len(body) // 2] if "brokenly" in question["text"] else body)

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print("presidio: listening", file=sys.stderr, flush=True)
    server.serve_forever()
