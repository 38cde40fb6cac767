import { benchDecisions } from './bench-decisions';

process.exitCode = benchDecisions(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
});
