/** For an address that is none of ours. */

import { hrefOf } from '../router.ts';

export function NotFound() {
  return (
    <div class="empty">
      <h1>There is no such page</h1>
      <p>
        The link may be older than this version. <a href={hrefOf([])}>All runs</a> are a good place to start.
      </p>
    </div>
  );
}
