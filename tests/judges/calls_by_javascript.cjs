// Makes calls with the AWS SDK for JavaScript.
// Reads [[operation, arguments], ...] from standard input and writes the list of results.

const { readFileSync } = require("node:fs");
const sdk = require("@aws-sdk/client-sagemaker");

async function main() {
  const client = new sdk.SageMakerClient({ maxAttempts: 1 });
  const results = [];
  for (const [operation, args] of JSON.parse(readFileSync(0, "utf8"))) {
    try {
      const { $metadata, ...reply } = await client.send(new sdk[`${operation}Command`](args));
      results.push({ reply });
    } catch (error) {
      results.push({ error: error.constructor.name, Code: error.name, Message: error.message });
    }
  }
  process.stdout.write(JSON.stringify(results));
}

main();
