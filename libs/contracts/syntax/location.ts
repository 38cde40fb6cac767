import { countries } from './countries';
import { quoted, read, refuse, type Reading } from './reading';

const MAX_LOCATION_CHARACTERS = 128;
const COUNTRY = /^[A-Z]{2}$/;
const REGION = /^[a-z0-9][a-z0-9._-]*$/;
const PROVIDER_AND_REGION = /^[a-z0-9][a-z0-9-]*\/[a-z0-9][a-z0-9._-]*$/;

/** Where data lies: `provider/region`, an ISO country in capitals, or a region by name. Blocs are no place. */
export function readLocation(text: string): Reading<string> {
  const location = text.trim();
  const isCountry = COUNTRY.test(location) && countries.has(location);
  const isRegion = REGION.test(location) || PROVIDER_AND_REGION.test(location);
  if ((isCountry || isRegion) && location.length <= MAX_LOCATION_CHARACTERS) return read(location);
  return refuse(
    `${quoted(text)} is not a place`,
    'write provider/region, a country such as "DE", or the name of a region',
  );
}
