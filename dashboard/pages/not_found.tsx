/** For an address that is none of ours. */

import { Empty } from '../parts/states.tsx';
import { hrefOf } from '../router.ts';

export function NotFound() {
  return (
    <Empty title="There is no such page">
      <p>
        The link may be older than this version. <a href={hrefOf([])}>All runs</a> are a good place to start.
      </p>
    </Empty>
  );
}
