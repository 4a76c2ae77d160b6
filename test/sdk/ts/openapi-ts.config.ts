export default {
  input: '../../../openapi.yaml',
  output: { path: 'src/sdk', importFileExtension: '.js' },
  plugins: ['@hey-api/client-fetch'],
};
