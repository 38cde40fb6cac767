import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(__dirname, '..', '..');

/** One TypeScript file of the repository. */
export interface Source {
  /** From the top of the repository. */
  readonly path: string;
  readonly text: string;
}

/** Every TypeScript file below a folder. */
export function sourcesIn(folder: string): readonly Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
    .filter((path) => !path.includes('node_modules/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** Specs, and what exists for them; emulators live in such folders too. */
export function isForTests({ path }: Source): boolean {
  return /\.(spec|suite)\.ts$|\/testing\/|^libs\/testkit\/|^test\//.test(path);
}

type Finder = (node: ts.Node) => boolean;

/** Where a file has nodes that a finder knows, as `path:line text`. Comments are no nodes, so they are free to say anything. */
export function places({ path, text }: Source, isFound: Finder): readonly string[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (isFound(node)) {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
      found.push(`${path}:${line + 1} ${node.getText(file)}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** A name or a whole piece of text that is one of the ids, or a place below one (`id/region`); what documents an API by example is left out. */
export function namesOneOf(ids: readonly string[]): Finder {
  const isId = (text: string): boolean =>
    ids.some((id) => text.toLowerCase() === id || text.startsWith(`${id}/`));
  return (node) => isText(node) && isId(node.text) && !isExample(node);
}

function isText(node: ts.Node): node is ts.Identifier | ts.LiteralLikeNode {
  return ts.isIdentifier(node) || ts.isStringLiteralLike(node) || ts.isTemplateHead(node);
}

/** In a schema's `examples`, or given to the function that builds a schema with such. */
function isExample(node: ts.Node): boolean {
  for (let at = node.parent; at !== undefined; at = at.parent) {
    if (ts.isPropertyAssignment(at) && /^examples?$/.test(at.name.getText())) return true;
    if (ts.isCallExpression(at) && at.expression.getText() === 'listForms') return true;
  }
  return false;
}

/** `object.member`, in either spelling. */
export function reads(object: string, member: string): Finder {
  return (node) =>
    (ts.isPropertyAccessExpression(node) &&
      node.expression.getText() === object &&
      node.name.text === member) ||
    (ts.isElementAccessExpression(node) &&
      node.expression.getText() === object &&
      ts.isStringLiteralLike(node.argumentExpression) &&
      node.argumentExpression.text === member);
}

/** The present moment or chance, taken from the machine instead of an argument. */
export const readsTimeOrChance: Finder = (node) =>
  reads('Date', 'now')(node) ||
  reads('Math', 'random')(node) ||
  (ts.isNewExpression(node) &&
    node.expression.getText() === 'Date' &&
    (node.arguments ?? []).length === 0);

/** An import, static or not, of a package or a file below it. */
export function imports(packageName: string): Finder {
  const isIt = (node: ts.Node | undefined): boolean =>
    node !== undefined &&
    ts.isStringLiteralLike(node) &&
    (node.text === packageName || node.text.startsWith(`${packageName}/`));
  return (node) =>
    (ts.isImportDeclaration(node) && isIt(node.moduleSpecifier)) ||
    (ts.isExportDeclaration(node) && isIt(node.moduleSpecifier)) ||
    (ts.isImportTypeNode(node) &&
      ts.isLiteralTypeNode(node.argument) &&
      isIt(node.argument.literal)) ||
    (ts.isCallExpression(node) &&
      (node.expression.kind === ts.SyntaxKind.ImportKeyword ||
        node.expression.getText() === 'require') &&
      isIt(node.arguments[0]));
}
