// Preloaded into a command. When the process that started it is killed, the command is asked to stop, so that a
// killed `npm start` leaves nothing behind. Worker threads and children that inherit the option are not concerned.
const { isMainThread } = require('node:worker_threads');

const LOOK_EVERY_MS = 250;

if (isMainThread) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, LOOK_EVERY_MS);
  timer.unref();
}
