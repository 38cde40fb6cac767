import { describeAdapterConformance, emulatedHarness } from '#libs/provider-kit/testing';
import { akash } from './index';

describeAdapterConformance(akash.descriptor, emulatedHarness(akash));
