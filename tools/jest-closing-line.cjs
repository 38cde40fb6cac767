/** Ends the output of Jest with the counts alone on the last line: "12 passed, 0 failed", and what was skipped. */
module.exports = class ClosingLine {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const counts = [`${results.numPassedTests} passed`, `${failed} failed`];
    if (skipped > 0) counts.push(`${skipped} skipped`);
    // After what Jest itself has to say, which it still buffers at this moment.
    process.once('exit', () => process.stdout.write(`${counts.join(', ')}\n`));
  }
};
