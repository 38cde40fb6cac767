// Renders spheres on a chequered floor with shadows and mirrors by tracing rays, and writes a PNG image.
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { crc32, deflateSync } from 'node:zlib';

const [WIDTH, HEIGHT, SAMPLES, BOUNCES] = [240, 160, 4, 3];
const ROWS_PER_REPORT = 16;
/** Slows the work down so that it can be watched; 0 runs at full speed. */
const paceMs = Number(process.env.PACE_MS ?? 0);

const spheres = [
  { centre: [0, 1, 6], radius: 1, colour: [0.9, 0.25, 0.2], mirror: 0.25 },
  { centre: [2.1, 0.7, 5], radius: 0.7, colour: [0.2, 0.5, 0.9], mirror: 0.3 },
  { centre: [-2, 0.8, 5.2], radius: 0.8, colour: [0.95, 0.75, 0.2], mirror: 0.2 },
  { centre: [-0.7, 0.35, 3.9], radius: 0.35, colour: [0.3, 0.8, 0.4], mirror: 0.1 },
  { centre: [0.9, 0.45, 4], radius: 0.45, colour: [0.95, 0.95, 0.95], mirror: 0.7 },
];
const eye = [0, 1.6, 0];
const toLight = unit([-0.6, 1, -0.5]);

const rows = [];
for (let y = 0; y < HEIGHT; y += 1) {
  const row = [0];
  for (let x = 0; x < WIDTH; x += 1) row.push(...pixel(x, y));
  rows.push(Buffer.from(row));
  if ((y + 1) % ROWS_PER_REPORT === 0) {
    console.log(`row ${y + 1} of ${HEIGHT}`);
    await pause(paceMs);
  }
}
writeFileSync('image.png', png(Buffer.concat(rows)));
console.log(`image.png: ${WIDTH} x ${HEIGHT}`);

/** The mean of several rays through one pixel, as three bytes. */
function pixel(x, y) {
  let sum = [0, 0, 0];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const right = (x + (sample % 2) / 2 + 0.25 - WIDTH / 2) / HEIGHT;
    const up = (HEIGHT / 2 - y - Math.floor(sample / 2) / 2 - 0.25) / HEIGHT;
    sum = add(sum, trace(eye, unit([right, up - 0.12, 1]), BOUNCES));
  }
  return sum.map((channel) => Math.round(255 * Math.min(1, channel / SAMPLES) ** (1 / 2.2)));
}

function trace(from, along, bounces) {
  const hit = nearest(from, along);
  if (hit === null) return mix([0.75, 0.85, 1], [0.3, 0.5, 0.85], Math.max(0, along[1]));
  const start = add(hit.point, scale(hit.normal, 1e-4));
  const lit = nearest(start, toLight) === null ? Math.max(0, dot(hit.normal, toLight)) : 0;
  const own = scale(hit.colour, 0.15 + 0.85 * lit);
  if (bounces === 0 || hit.mirror === 0) return own;
  const mirrored = add(along, scale(hit.normal, -2 * dot(along, hit.normal)));
  return mix(own, trace(start, mirrored, bounces - 1), hit.mirror);
}

function nearest(from, along) {
  let best = along[1] < -1e-9 ? floorHit(from, along) : null;
  for (const sphere of spheres) {
    const offset = add(from, scale(sphere.centre, -1));
    const half = dot(offset, along);
    const root = half * half - dot(offset, offset) + sphere.radius ** 2;
    const distance = -half - Math.sqrt(root);
    if (!(distance > 1e-6) || (best !== null && best.distance <= distance)) continue;
    const point = add(from, scale(along, distance));
    const normal = scale(add(point, scale(sphere.centre, -1)), 1 / sphere.radius);
    best = { ...sphere, distance, point, normal };
  }
  return best;
}

function floorHit(from, along) {
  const distance = -from[1] / along[1];
  const point = add(from, scale(along, distance));
  const isLight = (Math.floor(point[0]) + Math.floor(point[2])) % 2 === 0;
  const colour = isLight ? [0.85, 0.85, 0.82] : [0.25, 0.27, 0.3];
  return { distance, point, normal: [0, 1, 0], colour, mirror: 0.08 };
}

function add(a, b) {
  return a.map((value, index) => value + b[index]);
}
function scale(a, factor) {
  return a.map((value) => value * factor);
}
function dot(a, b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
function unit(a) {
  return scale(a, 1 / Math.sqrt(dot(a, a)));
}
function mix(a, b, share) {
  return add(scale(a, 1 - share), scale(b, share));
}

/** Eight bits for each of red, green and blue; every row begins with the number of its filter. */
function png(scanlines) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(WIDTH, 0);
  head.writeUInt32BE(HEIGHT, 4);
  head.set([8, 2], 8);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  const chunks = [
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(scanlines)),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([signature, ...chunks]);
}

function chunk(type, body) {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const framed = Buffer.alloc(named.length + 8);
  framed.writeUInt32BE(body.length, 0);
  named.copy(framed, 4);
  framed.writeUInt32BE(crc32(named), named.length + 4);
  return framed;
}
