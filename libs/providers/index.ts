import type { AnyProviderPlugin } from '#libs/provider-kit';
import { akash } from './akash';
import { aws } from './aws';

/** Every provider that Fairlead knows. Adding one adds a folder and a line here. */
export const plugins: readonly AnyProviderPlugin[] = [aws, akash];
