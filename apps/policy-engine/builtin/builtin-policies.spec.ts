import { analyse } from '../analyse-policy';
import { checkDocument } from '../check-policy';
import { compileDocument } from '../compile-document';
import { RuleContexts } from '../policy-context';
import { builtinPolicies } from './builtin-policies';

describe.each(builtinPolicies.map(({ document }) => [document.name, document] as const))(
  '%s',
  (_name, document) => {
    it('has no mistake, and passes its own tests', () => {
      expect(checkDocument(document)).toEqual({ problems: [], warnings: [] });
    });

    it('says what each of its rules and limits is for by a test that expects its refusal', () => {
      const refusing = (document.tests ?? []).flatMap(({ expect: expected }) =>
        expected === 'allowed' ? [] : (expected.refusedBy ?? []),
      );
      const ids = [...document.rules, ...(document.limits ?? [])].map(({ id }) => id);
      expect(ids.filter((id) => !refusing.includes(id))).toEqual([]);
    });

    it('leaves something to every job together with the others', () => {
      const contexts = new RuleContexts();
      const [own, ...others] = [document, ...builtinPolicies.map((each) => each.document)].map(
        (each) => compileDocument(each, contexts),
      );
      if (own === undefined) throw new Error('nothing was compiled');
      expect(analyse(own, others)).toEqual({ problems: [], warnings: [] });
    });
  },
);
