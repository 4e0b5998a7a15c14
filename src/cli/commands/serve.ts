import { Command } from 'commander';
import { serve, stopOnSignals, type Servable, type ServeOptions } from '../../serve';
import { isToken } from '../../serve/token';
import { describes, type OptionDescriptor } from '../../tasks/catalogue/descriptor';
import { addDescriptors, givenOptions } from '../descriptor-options';
import { openRun } from '../open-run';
import { addCommonOptions, addExamples, print, remark, type CommonOptions } from '../output';
import { UsageError } from '../report-error';

const options: readonly OptionDescriptor[] = [
  describes('port', 'port', '8080', 'TCP port; 0 for any that is free'),
  describes('host', 'text', '127.0.0.1, this machine alone', 'address to listen on'),
  describes('token', 'text', '$STMNET_TOKEN, or none', 'what clients must send as Authorization: Bearer'),
  describes('maxDelay', 'count', '2', 'milliseconds that an input waits for others'),
  describes('maxBatch', 'size', '64', 'inputs that are computed at once'),
  describes('maxQueue', 'size', '1024', 'inputs that may wait; more are answered 503'),
  describes('maxStreams', 'size', '8', 'texts that may be generated at a time'),
  describes('maxBody', 'size', '1048576', 'bytes of a request'),
  describes('maxInputs', 'size', '256', 'inputs of a request'),
  describes('maxLength', 'size', '10000', 'characters of an input'),
  describes('maxGenerated', 'size', '2000', 'pieces of a generated text'),
  describes('headersTimeout', 'size', '10000', 'milliseconds for the head of a request'),
  describes('bodyTimeout', 'size', '30000', 'milliseconds for its body'),
  describes('timeout', 'size', '30000', 'milliseconds until the answer'),
  describes('stopTimeout', 'count', '20000', 'milliseconds for what was accepted, once it is to stop'),
];

/** The command `stmnet serve`. */
export function serveCommand(): Command {
  const command = new Command('serve')
    .description(
      'Serves a trained task over HTTP as JSON: POST /predict and /generate, GET /healthz and /metrics. SIGTERM and ' +
        'Ctrl-C end it once what was accepted is answered.',
    )
    .argument('<run>', 'run folder or model file');
  addDescriptors(command, options, 'Server:');
  addCommonOptions(command).action(async (run: string, common: CommonOptions) => serveRun(command, run, common));
  return addExamples(command, [
    'stmnet serve run --port 8080',
    'STMNET_TOKEN=$(openssl rand -hex 32) stmnet serve run --host 0.0.0.0',
    `curl -s --json '{"input": "WINNER!! claim your prize"}' localhost:8080/predict`,
  ]);
}

async function serveRun(command: Command, path: string, common: CommonOptions): Promise<void> {
  const asked: ServeOptions = givenOptions(command, options);
  const given = 'token' in asked ? asked : { ...tokenOfEnvironment(), ...asked };
  if (given.token !== undefined && !isToken(given.token)) throw noToken(given.token, 'token' in asked);
  const { task, entry } = await openRun(path);
  const server = await serve(task as Servable, given);
  if (given.token === undefined && !isLocal(server.url))
    remark(common, 'warning: anybody who reaches this machine may ask it. Fix: set STMNET_TOKEN, or pass --token.');
  if (common.json === true)
    await print(`${JSON.stringify({ url: server.url, port: server.port, task: entry.name })}\n`);
  else remark(common, `${server.url} serves ${path} (${entry.name}). Ctrl-C ends it.`);
  const signal = await stopOnSignals(server);
  remark(common, `stopped by ${signal}; all that was accepted is answered`);
}

/** Empty ones, as of a secret that was not found, must not leave the door open: they are none. */
function tokenOfEnvironment(): Pick<ServeOptions, 'token'> {
  const token = process.env['STMNET_TOKEN'];
  return token === undefined ? {} : { token };
}

/** The mistake of a text that is no token, which is not shown: it is a secret. */
function noToken(text: string, isTyped: boolean): UsageError {
  const name = isTyped ? '--token' : 'STMNET_TOKEN';
  const otherwise = isTyped ? 'leave --token out' : 'unset STMNET_TOKEN';
  return new UsageError(
    `got ${text === '' ? `an empty ${name}` : `a token with other characters in ${name}`}, ` +
      'expected letters, digits and -._~+/, as a header can carry. ' +
      `Fix: make one by openssl rand -hex 32, or ${otherwise} to ask for none.`,
  );
}

/** Whether this machine alone reaches a server. */
const isLocal = (url: string): boolean => /^http:\/\/(?:127\.|\[::1\])/.test(url);
