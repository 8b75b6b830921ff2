/** Links to LangSmith, built from configuration alone: no request is made and no LangSmith package is needed. */

import { envText } from './environment.ts';

/** What a link is made of; each part defaults to its LANGSMITH_* variable. */
export interface LangsmithPlace {
  /** API or web address. Default: LANGSMITH_ENDPOINT, else the hosted service. */
  endpoint?: string;
  /** Default: LANGSMITH_WORKSPACE_ID. */
  workspaceId?: string;
  /** The project's id, not its name. Default: LANGSMITH_PROJECT_ID. */
  projectId?: string;
}

/**
 * The page of a LangSmith run, or of the whole project when no run is named.
 *
 * @param langsmithRunId the run's id in LangSmith.
 * @returns undefined when workspace or project is not known: no link is better than a broken one.
 *
 * @example
 * run({ tenant: 7, pipeline: 'nightly', ...langsmithLink() }, nightly);
 */
export function langsmithUrl(langsmithRunId?: string, place: LangsmithPlace = {}): string | undefined {
  const workspace = place.workspaceId ?? envText('LANGSMITH_WORKSPACE_ID');
  const project = place.projectId ?? envText('LANGSMITH_PROJECT_ID');
  if (workspace === undefined || project === undefined) return undefined;
  const host = webHost(place.endpoint ?? envText('LANGSMITH_ENDPOINT') ?? envText('LANGCHAIN_ENDPOINT'));
  if (host === undefined) return undefined;
  const base = `${host}/o/${encodeURIComponent(workspace)}/projects/p/${encodeURIComponent(project)}`;
  return langsmithRunId === undefined ? base : `${base}/r/${encodeURIComponent(langsmithRunId)}?poll=true`;
}

/** The link as options of `run()`: empty when nothing is configured. */
export function langsmithLink(langsmithRunId?: string, place?: LangsmithPlace): { langsmithUrl?: string } {
  const url = langsmithUrl(langsmithRunId, place);
  return url === undefined ? {} : { langsmithUrl: url };
}

/**
 * The id of the LangSmith run that the calling code is inside, when the application has the `langsmith` package; else undefined.
 *
 * @example
 * run({ tenant: 7, pipeline: 'nightly', ...langsmithLink(await currentLangsmithRunId()) }, nightly);
 */
export async function currentLangsmithRunId(): Promise<string | undefined> {
  // Kept out of the import statement, so that neither the compiler nor a bundler asks for a package that may be absent.
  const name = 'langsmith/singletons/traceable';
  try {
    const loaded = (await import(name)) as {
      getCurrentRunTree?: (permitAbsent: boolean) => { id?: unknown } | undefined;
    };
    const id = loaded.getCurrentRunTree?.(true)?.id;
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}

/** The web address of an API address: without `/api`, and without the API's own host name. */
function webHost(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined) return 'https://smith.langchain.com';
  let url: URL;
  try {
    url = new URL(endpoint);
  } catch {
    return undefined;
  }
  if (url.hostname === 'localhost' || url.hostname === '127.0.0.1') return 'http://localhost:3000';
  const region = /^(?:(eu|aws|apac|dev)\.)?api\.smith\.langchain\.com$/.exec(url.hostname);
  if (region !== null) return `https://${region[1] === undefined ? '' : `${region[1]}.`}smith.langchain.com`;
  return `${url.origin}${url.pathname.replace(/\/api(\/v1)?\/?$/, '').replace(/\/+$/, '')}`;
}
