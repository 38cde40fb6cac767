import { usd, type PolicyDocument } from '#libs/domain';
import { aSpec, fakeOffer } from '#libs/testkit';
import { Desk } from './testing/desk';
import { aPolicy, rulesOf } from './testing/policies';
import { WarnAboutPolicy } from './warn-about-policy';

const warned = async (document: PolicyDocument, prepare?: (desk: Desk) => Promise<unknown>) => {
  const desk = new Desk();
  await desk.sells([
    fakeOffer({ instanceType: 'a', country: 'US' }),
    fakeOffer({ instanceType: 'b', country: 'DE', interruptible: true, market: 'spot' }),
  ]);
  await desk.submitted({ id: 'job-1', spec: aSpec({ workload: 'training' }) });
  await desk.submitted({ id: 'job-2', spec: aSpec({ workload: 'rendering' }) });
  await prepare?.(desk);
  const warnings = await new WarnAboutPolicy(desk.stores, desk.clock).run(document);
  return warnings.map(({ pointer, message }) => `${pointer} ${message}`);
};

describe('a policy beside the offers and jobs that there are', () => {
  it('is told which rules leave none of them', async () => {
    const rules = rulesOf(
      { when: 'job.workload == "training"', require: 'offer.country == "FR"' },
      { forbid: 'offer.interruptible' },
      { when: 'job.workload == "inference"', require: 'offer.country == "IT"' },
    );
    expect(await warned(aPolicy({ rules }))).toEqual([
      '/rules/0/require refuses all 2 offers that there are now for 1 of the 1 latest jobs that it is about',
    ]);
  });

  it('is told which charges and limits are about none of them', async () => {
    const document = aPolicy({
      prefer: [
        { id: 'p', premium: { offers: 'offer.country == "FR"', perHour: usd(1) } },
        { id: 'q', premium: { offers: 'offer.country == "DE"', perHour: usd(1) } },
        { id: 'r', discount: { offers: 'offer.country == "FR"', perHour: usd(1) } },
        { id: 's', discount: { offers: 'offer.country == "DE"', perHour: usd(1) } },
      ],
      limits: [
        { id: 'l', offers: 'offer.country == "FR"', maxJobs: 1, because: 'so' },
        { id: 'm', offers: 'offer.country == "DE"', maxJobs: 1, because: 'so' },
      ],
    });
    expect(await warned(document)).toEqual([
      '/prefer/0/premium/offers matches none of the 2 offers that there are now',
      '/prefer/2/discount/offers matches none of the 2 offers that there are now',
      '/limits/0/offers matches none of the 2 offers that there are now',
    ]);
  });

  it('is told what it comes to with the policies in force', async () => {
    const other = aPolicy({ name: 'other', rules: rulesOf({ forbid: 'offer.interruptible' }) });
    const document = aPolicy({ rules: rulesOf({ forbid: 'offer.interruptible' }) });
    expect(await warned(document, (desk) => desk.inForce(other))).toEqual([
      '/rules/0/forbid has no effect while other/r0 is in force, which refuses all that it does',
    ]);
    expect(await warned(document)).toEqual([]);
  });

  it('is not compared with the version of itself that is in force', async () => {
    const document = aPolicy({ rules: rulesOf({ forbid: 'offer.interruptible' }) });
    expect(await warned(document, (desk) => desk.inForce(document))).toEqual([]);
  });
});
