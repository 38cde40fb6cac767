import { describeAdapterConformance, emulatedHarness } from '#libs/provider-kit/testing';
import { aws } from './index';

describeAdapterConformance(aws.descriptor, emulatedHarness(aws));
