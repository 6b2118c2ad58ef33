import { expect } from 'chai';
import { unitText } from '../../../src/cli/service.js';

describe('the systemd service', () => {
  it('runs the router with quoted paths', () => {
    const text = unitText({ node: '/usr/bin/node', bin: '/opt/my "x"/$a', dir: '/srv/50%' });
    expect(text).to.include(
      'ExecStart="/usr/bin/node" "/opt/my \\"x\\"/$$a" --dir "/srv/50%%" up\n',
    );
  });
});
