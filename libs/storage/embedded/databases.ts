import { runStatement } from './connection';

/** Make a database on the server of `adminUrl`, empty or as a copy of a template, and return its address. */
export async function createDatabase(
  adminUrl: string,
  name: string,
  template = 'template1',
): Promise<string> {
  await runStatement(adminUrl, `CREATE DATABASE ${quoted(name)} TEMPLATE ${quoted(template)}`);
  const url = new URL(adminUrl);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.toString();
}

/** Drop a database, whoever is connected to it. Repeatable. */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await runStatement(adminUrl, `DROP DATABASE IF EXISTS ${quoted(name)} WITH (FORCE)`);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
