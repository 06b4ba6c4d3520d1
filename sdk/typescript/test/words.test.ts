import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Action, Channel, Reason, Role, Semantic } from "../src/index.js";

// Built into build/test, four folders below the checkout.
const document = readFileSync(new URL("../../../../server/openapi.yaml", import.meta.url), "utf8");

/** The words that a schema of the server's document lists, in whichever way it is written. */
function listed(schema: string): string[] {
  const text = document.split(`\n    ${schema}:`)[1]?.split(/\n    [A-Z]/)[0] ?? "";
  const inline = /(?:enum|examples): \[([^\]]*)\]/.exec(text)?.[1]?.split(",");
  return (inline ?? [...text.matchAll(/^ {12}- (\w+)$/gm)].map((m) => m[1] as string)).map((word) => word.trim()).filter((word) => word !== "null");
}

for (const [schema, words] of Object.entries({ ActionName: Action, ReasonCode: Reason, Channel, Role, EvaluationsOptions: Semantic })) {
  test(`the words of ${schema} are those of the server's document`, () => {
    assert.ok(listed(schema).length > 2, "nothing was found in the document");
    assert.deepEqual(Object.values(words).sort(), listed(schema).sort());
  });
}

test("the names of words are the words themselves", () => {
  for (const table of [Action, Channel, Reason, Role, Semantic]) {
    for (const [name, word] of Object.entries(table)) {
      assert.equal(name, word.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
    }
  }
});
