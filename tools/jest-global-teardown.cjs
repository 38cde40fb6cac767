module.exports = async () => {
  await globalThis.fairleadTestServer?.stop();
};
