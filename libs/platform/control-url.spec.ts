import type { ProviderDescriptor } from '#libs/provider-kit';
import { fakeDescriptor } from '#libs/testkit';
import { controlUrlOf } from './control-url';

const provider = (mode: 'live' | 'emulated') => ({
  descriptor: fakeDescriptor as ProviderDescriptor,
  mode,
  emulator: null,
});

describe('the address that workloads are given', () => {
  it('is the public one where there is one', () => {
    expect(controlUrlOf({ publicUrl: 'https://f.example', port: 1 }, [provider('live')])).toBe(
      'https://f.example',
    );
  });

  it('is this machine for emulated providers', () => {
    expect(controlUrlOf({ publicUrl: undefined, port: 8080 }, [provider('emulated')])).toBe(
      'http://127.0.0.1:8080',
    );
  });

  it('has to be told where a provider is real, or the port is not known', () => {
    expect(() => controlUrlOf({ publicUrl: undefined, port: 8080 }, [provider('live')])).toThrow(
      'FAIRLEAD_PUBLIC_URL',
    );
    expect(() => controlUrlOf({ publicUrl: undefined, port: 0 }, [])).toThrow('PORT is 0');
  });
});
