import { blocs, countries, countryAliases } from './countries';
import { listParts, quoted, read, readEach, refuse, type Reading } from './reading';
import { closest } from './suggest';

/** ISO countries and blocs, expanded to sorted country codes without repetition. */
export function readResidency(written: string | readonly string[]): Reading<readonly string[]> {
  const texts = typeof written === 'string' ? listParts(written) : written;
  const groups = readEach(texts, readPlace);
  return groups.ok ? read([...new Set(groups.value.flat())].sort()) : groups;
}

function readPlace(text: string): Reading<readonly string[]> {
  const place = text.trim().toUpperCase();
  const bloc = Object.hasOwn(blocs, place) ? blocs[place] : undefined;
  if (bloc !== undefined) return read(bloc);
  const code = (Object.hasOwn(countryAliases, place) ? countryAliases[place] : undefined) ?? place;
  if (countries.has(code)) return read([code]);
  const guess = closest(place, Object.keys(blocs));
  return refuse(
    `${quoted(text)} is neither an ISO 3166 country code nor a known bloc`,
    guess === null
      ? `write codes such as "DE" or blocs such as ${Object.keys(blocs).slice(0, 4).join(', ')}`
      : `did you mean "${guess}"?`,
  );
}
