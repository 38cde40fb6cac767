import { jobSecrets } from './job-secrets';

const { allows, secretOf } = jobSecrets({
  FAIRLEAD_SECRET: 'the key of the router',
  FAIRLEAD_SECRET_HUGGING_FACE: 'hf',
  FAIRLEAD_SECRET_HUGGING_FACE_PROJECTS: 'vision, speech,',
  FAIRLEAD_SECRET_SHARED: 'for all',
  FAIRLEAD_SECRET_SHARED_PROJECTS: '*',
  FAIRLEAD_SECRET_UNLISTED: 'for none',
  FAIRLEAD_SECRET_EMPTY: 'for none',
  FAIRLEAD_SECRET_EMPTY_PROJECTS: '',
  FAIRLEAD_SECRET_PROMISED_PROJECTS: 'vision',
  FAIRLEAD_SECRET_HUGGING_FACE_PROJECTS_PROJECTS: '*',
});

describe('a secret of jobs', () => {
  it.each([
    ['vision', 'hugging-face', 'hf'],
    ['speech', 'hugging-face', 'hf'],
    ['anything', 'shared', 'for all'],
  ])('is there for a project that is listed: %s, %s', (project, name, value) => {
    expect(allows(project, name)).toBe(true);
    expect(secretOf(project, name)).toBe(value);
  });

  it.each([
    ['a project that is not listed', 'finance', 'hugging-face'],
    ['a project whose name only begins like a listed one', 'vis', 'hugging-face'],
    ['a project without a name', '', 'hugging-face'],
    ['a secret without a list', 'vision', 'unlisted'],
    ['a secret with an empty list', 'vision', 'empty'],
    ['an unknown secret', 'vision', 'unknown'],
    ['a second spelling', 'vision', 'hugging_face'],
    ['capitals', 'vision', 'HUGGING-FACE'],
    ['other characters', 'vision', 'hugging.face'],
    ['the list of another secret', 'vision', 'hugging-face-projects'],
    ['the key of the router', 'vision', ''],
  ])('is not there for %s', (_, project, name) => {
    expect(allows(project, name)).toBe(false);
    expect(secretOf(project, name)).toBeNull();
  });

  it('may be allowed where its value is not held', () => {
    expect(allows('vision', 'promised')).toBe(true);
    expect(secretOf('vision', 'promised')).toBeNull();
  });
});
