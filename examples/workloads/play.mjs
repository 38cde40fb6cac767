// Plays four in a row against somebody who clicks about, and answers every move while the other side waits.
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const [COLUMNS, ROWS, DEPTH] = [7, 6, 4];
const WIN = 1_000;
const DIRECTIONS = [
  [1, 0],
  [0, 1],
  [1, 1],
  [1, -1],
];
/** How long the other side thinks; 0 answers at once. */
const paceMs = Number(process.env.PACE_MS ?? 0);

/** Columns from left to right, each a list of who has dropped a stone there. */
const board = Array.from({ length: COLUMNS }, () => []);
const moves = [];
const answersMs = [];
let turn = 0;
let random = 7;
while (winner() === null && legalMoves().length > 0) {
  const column = turn === 0 ? await visitorMove() : machineMove();
  board[column].push(turn);
  moves.push(column);
  turn = 1 - turn;
}

const slowestMs = Math.max(...answersMs).toFixed(1);
const result = ['the visitor wins', 'the machine wins'][winner()] ?? 'a draw';
writeFileSync('game.txt', `${moves.join(' ')}\n${result}\n`);
console.log(`${result} after ${moves.length} moves, slowest answer ${slowestMs} ms`);

async function visitorMove() {
  await pause(paceMs);
  random = (random * 48_271) % 2_147_483_647;
  return legalMoves()[random % legalMoves().length];
}

function machineMove() {
  const askedAt = performance.now();
  const ranked = legalMoves().map((column) => ({ column, value: valueOf(column, 1, DEPTH) }));
  const { column, value } = ranked.reduce((best, one) => (one.value > best.value ? one : best));
  const answerMs = performance.now() - askedAt;
  answersMs.push(answerMs);
  console.log(
    `move ${moves.length + 1}: column ${column + 1}, value ${value}, ${answerMs.toFixed(1)} ms`,
  );
  return column;
}

/** What dropping a stone is worth to the side that does it, when both sides then play well for `depth` moves. */
function valueOf(column, side, depth) {
  board[column].push(side);
  let value = 0;
  if (completesFour(column)) value = WIN + depth;
  else if (depth > 0 && legalMoves().length > 0)
    value = -Math.max(...legalMoves().map((next) => valueOf(next, 1 - side, depth - 1)));
  board[column].pop();
  return value;
}

function legalMoves() {
  return board.flatMap((stones, column) => (stones.length < ROWS ? [column] : []));
}

function winner() {
  const last = moves.at(-1);
  return last !== undefined && completesFour(last) ? board[last].at(-1) : null;
}

/** Whether the stone on top of a column is part of a line of four. */
function completesFour(column) {
  const row = board[column].length - 1;
  const side = board[column][row];
  const along = (dx, dy) => {
    let count = 0;
    while (board[column + dx * (count + 1)]?.[row + dy * (count + 1)] === side) count += 1;
    return count;
  };
  return DIRECTIONS.some(([dx, dy]) => along(dx, dy) + along(-dx, -dy) >= 3);
}
