/* What is shown when a page breaks in the browser. */
import { Component, type ReactNode } from 'react';

export class Boundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <main className="frame py-12">
        <h1 className="title">This page broke</h1>
        <p className="mt-3 max-w-[60ch] text-soft">
          Nothing was ordered or charged by it. Load the page again; if it breaks again, go to the{' '}
          <a className="link" href="/">
            first page
          </a>
          .
        </p>
      </main>
    );
  }
}
