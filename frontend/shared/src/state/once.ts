import { useRef, useState } from 'react';

import { problemFrom } from './problem';

/** Runs at most one piece of work at a time, however often it is asked for; the ref holds before React has drawn anew. */
export function useOnce() {
  const busy = useRef(false);
  const [working, setWorking] = useState(false);
  const [problem, setProblem] = useState('');
  const run = async (work: () => Promise<void>) => {
    if (busy.current) return;
    busy.current = true;
    setWorking(true);
    setProblem('');
    try {
      await work();
    } catch (error) {
      setProblem(problemFrom(error).detail);
    } finally {
      busy.current = false;
      setWorking(false);
    }
  };
  return { run, working, problem };
}
