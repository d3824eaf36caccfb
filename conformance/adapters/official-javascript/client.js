// The official JavaScript SDK under the conformance kit: its defaults, and its timeout set to the deadline.
//
// It has no outcome for a launch in doubt: a 4xx is told as not launched, whatever else it rejects with as failed.
// It offers nothing for waiting, so following is the loop that its users write.

const sdk = require('purecloud-platform-client-v2');
const { version } = require('purecloud-platform-client-v2/package.json');

const given = process.env;
const deadlineS = Number(given.CONFORMANCE_DEADLINE_S);
const READ_EVERY_MS = 500;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const say = (fields) => process.stdout.write(`${JSON.stringify(fields)}\n`);

// Make a client as the SDK's README does, with a gateway, its timeout and extended responses, and sign it in.
async function signIn() {
  const client = sdk.ApiClient.instance;
  const where = new URL(given.CONFORMANCE_API_URL);
  client.setGateway({ host: where.hostname, protocol: where.protocol.replace(':', ''), port: Number(where.port) });
  client.timeout = deadlineS * 1000;
  client.setReturnExtendedResponses(true);
  await client.loginClientCredentialsGrant(given.CONFORMANCE_CLIENT_ID, given.CONFORMANCE_CLIENT_SECRET);
}

// Tell what a rejection tells.
function tell(error) {
  const status = error?.status ?? error?.response?.status ?? null;
  say({
    outcome: status >= 400 && status < 500 ? 'not-launched' : 'failed',
    error: error?.code ?? error?.error?.code ?? error?.name ?? error?.constructor?.name ?? '',
    status,
    message: String(error?.message ?? error?.error?.message ?? '').slice(0, 500),
  });
}

// Read an execution until it has ended; null when reading failed.
async function followed(architect, id) {
  const until = Date.now() + deadlineS * 1000;
  while (Date.now() < until) {
    try {
      const { body } = await architect.getFlowsExecution(id);
      if (body.status !== 'RUNNING') return body.status;
    } catch {
      return null;
    }
    await pause(READ_EVERY_MS);
  }
  return null;
}

async function launch(architect) {
  try {
    const { status, body } = await architect.postFlowsExecutions({
      flowId: given.CONFORMANCE_FLOW_ID,
      inputData: JSON.parse(given.CONFORMANCE_INPUT),
    });
    if (typeof body?.id !== 'string') {
      say({ outcome: 'failed', error: 'an answer without an id', status });
      return;
    }
    const ended = given.CONFORMANCE_FOLLOW === '1' ? await followed(architect, body.id) : null;
    say({ outcome: 'launched', id: body.id, final_status: ended });
  } catch (error) {
    tell(error);
  }
}

async function main() {
  say({
    client: `purecloud-platform-client-v2 ${version}`,
    settings: 'official JavaScript SDK: ApiClient.instance with its defaults, setGateway to the sandbox, timeout set '
      + 'to the deadline, setReturnExtendedResponses(true) so that errors tell their status',
  });
  try {
    await signIn();
  } catch (error) {
    tell(error);
    return;
  }
  const architect = new sdk.ArchitectApi();
  for (let number = 0; number < Number(given.CONFORMANCE_LAUNCHES); number += 1) {
    if (number) await pause(Number(given.CONFORMANCE_PAUSE_S) * 1000);
    await launch(architect);
  }
}

main();
